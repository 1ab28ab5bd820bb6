"""What a scratch server lacks of production's world: what fails for that reason is no finding."""

from __future__ import annotations

import re

from pgassay.server import ServerMessage

_ABSENT = {
    "42501",  # insufficient_privilege: migrations run as an owner who is no superuser
    "58P01",  # an extension's file that is not there
    "3D000",  # a database of production's name
}
# Objects that belong to the installation, to a superuser or to extensions; and settings made outside the migrations.
_INSTALLED = re.compile(
    r"(tablespace|collation|language|foreign-data wrapper|server|access method|operator class|operator family"
    r'|text search \w+) "|unrecognized configuration parameter "[^"]*\.'
)


def absent(error: ServerMessage) -> bool:
    """Whether production may have what the error says is not there: a right, a database, a collation, an extension."""
    if error.sqlstate == "0A000":
        return "extension" in error.message or "this build" in error.message
    return error.sqlstate in _ABSENT or (error.sqlstate == "42704" and bool(_INSTALLED.match(error.message)))
