"""Stand-ins for extensions that a server lacks: the same functions in plain SQL, run by the database's owner.

The embedded PostgreSQL has neither pgcrypto nor uuid-ossp, and half of all projects begin with one of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from pgassay.server.places import Account, Run

_SCRIPTS = Path(__file__).with_name("stand_ins")
VERSIONS = {"pgcrypto": "1.4", "uuid-ossp": "1.1"}
REMARK = "stand-in by pgassay"


def script(name: str) -> str:
    """The SQL that creates a stand-in's functions in the first schema of the search path."""
    parts = [(_SCRIPTS / f"{part}.sql").read_text() for part in ("sha1", name)]
    return "\n".join(parts).replace("@name@", name.replace("-", "_"))


def shelf(home: Path) -> Path:
    """A folder below ``programs/`` for PostgreSQL 18's ``extension_control_path``, made on first use."""
    files = {}
    for name, version in VERSIONS.items():
        # superuser = false: whoever creates it runs the script with his own rights.
        files[f"{name}.control"] = (
            f"comment = '{REMARK}'\ndefault_version = '{version}'\nrelocatable = true\nsuperuser = false\n"
        )
        files[f"{name}--{version}.sql"] = script(name)
    key = hashlib.sha256("\0".join(map("\0".join, sorted(files.items()))).encode()).hexdigest()[:12]
    made = home / "programs" / f"stand-ins-{key}"
    if not made.is_dir():
        with Run(home, Account(None, None, "")) as run:
            folder = run.folder / "shelf" / "extension"
            folder.mkdir(parents=True)
            for file, text in files.items():
                (folder / file).write_text(text)
                (folder / file).chmod(0o644)
            for part in (folder, folder.parent):
                part.chmod(0o755)
            with contextlib.suppress(OSError):  # where another process was faster
                folder.parent.rename(made)
            if not made.is_dir():
                raise OSError(os.strerror(5), str(made))
    return made
