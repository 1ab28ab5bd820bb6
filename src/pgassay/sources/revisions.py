"""Alembic: revisions written in Python, which only the project's own Python can turn into SQL."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from pgassay.errors import InputError, UsageError
from pgassay.model import Migration, Project, Runner, Skipped, Statement, TransactionMode
from pgassay.sources.files import Place, empty, exists, join, parent, read, shown
from pgassay.sql import parse

SECONDS = 120.0
_DRIVER = Path(__file__).with_name("alembic_driver.py")
_ALLOW = re.compile(r"#\s*pgassay:\s*allow\b(?P<rest>.*)")
_URL_VARIABLES = (
    "DATABASE_URL", "DATABASE_URI", "DB_URL", "DB_URI", "DB_DSN", "POSTGRES_URL", "POSTGRES_DSN", "PG_DSN",
    "SQLALCHEMY_DATABASE_URL", "SQLALCHEMY_DATABASE_URI",
)  # fmt: skip
# Nothing listens on port 1: code that connects in spite of offline mode fails at once, and reaches no real database.
_NOWHERE = "pgassay:pgassay@localhost:1/pgassay"
_HOST_VARIABLES = {"PGHOST": "localhost", "PGPORT": "1", "PGDATABASE": "pgassay", "PGUSER": "pgassay"}


def open_alembic(place: Place, *, allow_code: bool) -> Project:
    """Alembic (1.7 and later) in offline mode: every revision's operations written out as SQL.

    True of the runner: revisions in the order of their graph; ONE transaction for all of them, unless env.py sets
    ``transaction_per_migration``; ``autocommit_block()`` commits what came before it and begins anew after it.
    Edited revisions go unnoticed. Lines are those of the ``op.`` calls in the revision's file. What a revision reads
    from its connection does not exist offline: the rest of such a revision is in ``Project.skipped``.

    Runs the project's Python: raises UsageError unless ``allow_code``. Raises InputError where it fails or takes longer
    than SECONDS.
    """
    if not allow_code:
        raise UsageError(
            f"{place.folder} is an Alembic project: reading it runs its Python",
            hint="If you trust it, add --allow-code; or write the SQL yourself: alembic upgrade head --sql > all.sql",
        )
    answer = _run(place)
    if not answer["revisions"]:
        raise empty(place, "Alembic", "revisions in its versions folder")
    if answer["dialect"] != "postgresql":
        raise InputError(f"is a project for {answer['dialect']}; pgassay reviews PostgreSQL", path=place.folder)
    found = [_migration(entry, place, answer["transactional"]) for entry in answer["revisions"]]
    schema, table = answer["table"]
    return Project(
        kind="alembic",
        path=place.folder,
        runner=Runner(
            name="Alembic",
            one_transaction=not answer["per_migration"],
            concurrently="inside `with op.get_context().autocommit_block():`",
            table=f"{schema}.{table}" if schema else table,
        ),
        migrations=tuple(migration for migration, _ in found),
        skipped=tuple(skipped for _, several in found for skipped in several),
    )


def _run(place: Place) -> dict[str, Any]:
    above = os.path.normpath(place.path(".."))
    homes = (place.folder, above, place.root)
    ini = next((path for home in homes if exists(path := join(home, "alembic.ini"))), None)
    root = parent(ini) if ini else above
    request = {
        "ini": str(Path(ini).absolute()) if ini else None,
        "scripts": str(Path(place.folder).absolute()),
        "url": f"postgresql://{_NOWHERE}",
    }
    python = _interpreter((root, *homes))
    with tempfile.TemporaryDirectory(prefix="pgassay-") as folder:
        result = Path(folder, "result.json")
        with subprocess.Popen(
            [python, str(_DRIVER), str(result)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=root or ".",
            env=_environment(),
            start_new_session=True,
        ) as process:
            try:
                _, words = process.communicate(json.dumps(request).encode(), timeout=SECONDS)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise InputError(
                        f"its env.py did not end within {SECONDS:.0f} s",
                        path=place.folder,
                        hint="Does it wait for a database, or for input? Offline (--sql) it needs neither.",
                    ) from None
                raise
        if not result.exists():
            raise InputError(
                f"its Python ended with code {process.returncode}: {words.decode(errors='replace').strip()[-600:]}",
                path=place.folder,
            )
        answer: dict[str, Any] = json.loads(result.read_bytes())
    if "missing" in answer:
        raise UsageError(
            f"{python} has no Alembic: {answer['missing']}",
            hint="Install the project's dependencies into its .venv, or pip install 'pgassay[alembic]'.",
        )
    if "error" in answer or "dialect" not in answer:
        raise _problem(answer, place)
    return answer


def _problem(answer: dict[str, Any], place: Place) -> InputError:
    file, line = answer.get("place") or ("", 0)
    what = answer.get("error", "env.py never called context.run_migrations()")
    return InputError(
        f"Alembic could not write its revisions as SQL: {what}",
        path=_seen(file, place) if file else place.folder,
        line=line or None,
        hint="Offline, as in `alembic upgrade head --sql`, there is no database, and database URLs in the environment"
        " are replaced. If env.py needs other settings, set them; any value will do.",
    )


def _interpreter(homes: tuple[str, ...]) -> str:
    for folder in homes:
        for name in (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe"):
            if exists(path := join(folder, name)):
                return str(Path(path).absolute())
    return sys.executable


def _environment() -> dict[str, str]:
    """Ours, with every usual database URL pointing nowhere but keeping its driver."""
    environment = dict(os.environ)
    environment.setdefault("DATABASE_URL", "")
    for name in _URL_VARIABLES:
        if name in environment:
            scheme, _, _ = environment[name].partition("://")
            scheme = scheme if scheme.startswith("postgres") else "postgresql"
            environment[name] = f"{scheme}://{_NOWHERE}"
    return environment | _HOST_VARIABLES | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}


def _migration(entry: dict[str, Any], place: Place, transactional: bool) -> tuple[Migration, list[Skipped]]:
    path = _seen(entry["path"], place)
    source = read(path)
    lines = source.text.splitlines()
    up = tuple(_statements(entry["upgrade"], path, lines))
    own = any(text in ("BEGIN;", "COMMIT;") for _, text in entry["upgrade"])
    mode: TransactionMode = "block" if transactional and not own else "autocommit"
    if own and transactional:
        up = (_word("BEGIN", up[0]), *up, _word("COMMIT", up[-1])) if up else up
    down = None if "downgrade" in entry["failed"] else tuple(_statements(entry["downgrade"], path, lines))
    migration = Migration(
        name=entry["revision"],
        path=path,
        text="\n".join(text for _, text in entry["upgrade"]),
        statements=up,
        mode=mode,
        down=down or None,
        digest=sha256(source.raw).hexdigest(),
    )
    skipped = [
        Skipped(
            path=path,
            line=line,
            statement=lines[line - 1].strip() if line <= len(lines) else way,
            reason=f"{way}() needs a database here, which offline mode has not ({why});"
            + (" the rest of it was not reviewed" if way == "upgrade" else " its way back was not reviewed"),
        )
        for way, (line, why) in entry["failed"].items()
    ]
    return migration, skipped


def _statements(pieces: list[tuple[int, str]], path: str, lines: list[str]) -> Iterator[Statement]:
    for line, text in pieces:
        allowed = [m["rest"] for n in _comments_above(line, lines) if (m := _ALLOW.search(lines[n - 1]))]
        head = "".join(f"-- pgassay: allow{rest}\n" for rest in allowed)
        yield from parse(head + text, path, first_line=line - len(allowed))


def _comments_above(line: int, lines: list[str]) -> Iterator[int]:
    """The line itself and the comment lines right above it."""
    if line <= len(lines):
        yield line
    while line > 1 and line - 2 < len(lines) and lines[line - 2].lstrip().startswith("#"):
        line -= 1
        yield line


def _word(word: str, beside: Statement) -> Statement:
    (statement,) = parse(word, beside.path, first_line=beside.line)
    return statement


def _seen(file: str, place: Place) -> str:
    """An absolute path as the user can open it: below what he named where it lies there."""
    for folder in (place.folder, place.root):
        inside = os.path.relpath(file, Path(folder).absolute())
        if not inside.startswith(".."):
            return join(folder, inside)
    return shown(file)
