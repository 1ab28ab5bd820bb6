"""Extensions for a migration that is not run by a superuser (manual, chapter 36.17).

Trusted ones its owner creates himself. A few more are harmless, and our superuser creates them; where this server has
none of the name, a stand-in may do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from pgassay.model import quote
from pgassay.server.connection import StatementError
from pgassay.server.scratch import OWNER, SUPERUSER, Server
from pgassay.server.stand_ins import REMARK, VERSIONS, script

# Not marked as trusted, but their scripts hold nothing but CREATE, ALTER, GRANT and REVOKE, so that no planted operator
# can run as superuser, and their functions open no file or connection for those who may call them.
HARMLESS = frozenset(
    "amcheck autoinc bloom dict_xsyn earthdistance insert_username moddatetime pageinspect pg_buffercache"
    " pg_freespacemap pg_prewarm pg_stat_statements pg_visibility pg_walinspect pgrowlocks pgstattuple refint sslinfo"
    " vector".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension that a server offers. ``trusted``: a database's owner may create it himself."""

    name: str
    version: str
    trusted: bool
    stand_in: bool = False


_known: WeakKeyDictionary[Server, dict[str, Extension]] = WeakKeyDictionary()


def available(server: Server) -> dict[str, Extension]:
    """The extensions that ``CREATE EXTENSION`` finds on this server, at their default versions."""
    if server not in _known:
        rows = server.admin.run(
            "SELECT e.name, e.default_version, v.trusted OR NOT v.superuser, coalesce(e.comment, '')"
            " FROM pg_available_extensions e"
            " JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version"
        )
        _known[server] = {
            name: Extension(name=name, version=version, trusted=trusted == "t", stand_in=remark == REMARK)
            for name, version, trusted, remark in rows
        }
    return _known[server]


def trusted(server: Server, name: str) -> bool:
    """Whether the database's owner can create the extension himself: then just run the statement."""
    return name in available(server) and available(server)[name].trusted


def install(
    server: Server, database: str, name: str, schema: str | None = None, *, cascade: bool = True
) -> Literal["installed", "stand-in", "missing"]:
    """Bring an extension into a database, as ``CREATE EXTENSION IF NOT EXISTS`` would; afterwards skip the statement.

    The extension belongs to OWNER then. ``cascade`` creates the extensions that it requires. Raises StatementError
    where PostgreSQL refuses it as production's would, such as for a schema that does not exist.
    """
    offered = available(server).get(name)
    if offered is None:
        return _stand_in(server, database, name, schema)
    if not offered.trusted and name not in HARMLESS:
        return "missing"
    into = f" SCHEMA {quote(schema)}" if schema else ""
    create = f"CREATE EXTENSION IF NOT EXISTS {quote(name)}{into}{' CASCADE' if cascade else ''}"
    if offered.trusted:
        with server.connect(database) as session:
            session.run(create)
        return "stand-in" if offered.stand_in else "installed"
    target = _target(server, database, schema)
    with server.connect(database, role=SUPERUSER) as admin:
        admin.run(f"CREATE EXTENSION IF NOT EXISTS {quote(name)} SCHEMA {quote(target)}{' CASCADE' if cascade else ''}")
        # What CREATE EXTENSION does itself for a trusted one, so that its owner may comment on it, move and drop it.
        admin.run(f"UPDATE pg_extension SET extowner = '{OWNER}'::regrole WHERE extowner = 10 AND extname <> 'plpgsql'")
    return "installed"


def _target(server: Server, database: str, schema: str | None) -> str:
    """The schema that the extension goes to: the given one, else the first of the owner's search path."""
    if schema:
        return schema
    with server.connect(database) as session:
        return session.value("SELECT current_schema()") or "public"


def _stand_in(server: Server, database: str, name: str, schema: str | None) -> Literal["stand-in", "missing"]:
    # From PostgreSQL 18 on stand-ins are extensions like any other, found through extension_control_path.
    if name not in VERSIONS:
        return "missing"
    with server.connect(database) as session:
        if schema:
            session.run(f"SET search_path = {quote(schema)}")
        try:
            session.run(script(name))
        except StatementError as error:
            if error.sqlstate != "42723":  # duplicate_function: it is here already
                raise
    return "stand-in"
