"""Guarded connections to a live database: read-only, with timeouts, one query of ours at a time."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterable, Iterator
from typing import IO, Any, NoReturn, TypeVar

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection as Wire

from pgassay.errors import ConnectionProblem, PgassayError
from pgassay.server.connection import Connection, ConnectionLost, ServerMessage, StatementError, message_of, open_wire
from pgassay.server.targets import Target, parse_target

GUARDS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "30s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "60s",
    "search_path": "pg_catalog",
}
_LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")
_PATIENCE = 45.0  # seconds without a word from the server: more than its own statement_timeout
# Within each transaction as well: behind a pooler a session's settings may belong to another session, so we never SET
# there. The SELECT takes the snapshot after which PostgreSQL lets no transaction become read-write.
_BEGIN = (
    "BEGIN TRANSACTION READ ONLY; "
    + " ".join(f"SET LOCAL {name} = '{value}';" for name, value in GUARDS.items() if "default" not in name)
    + " SELECT pg_catalog.current_setting('transaction_read_only')"
)
_READS = re.compile(r"(\s|--[^\n]*(\n|\Z)|/\*.*?\*/)*(SELECT|WITH|VALUES|TABLE|SHOW|EXPLAIN)\b", re.I | re.S)
_COPIES = re.compile(r"\s*COPY\b.*\bTO\s+STDOUT\b[^;]*\Z", re.I | re.S)


class Refused(PgassayError):
    """pgassay only reads a live database, and this is no read: {problem}"""

    exit_code = 3  # our own fault: all SQL that comes here is ours


class LiveConnection(Connection):
    """A session that can only read. Every statement runs alone in a READ ONLY transaction that is rolled back."""

    _held = False

    @contextlib.contextmanager
    def snapshot(self, patience: float) -> Iterator[None]:
        """All that is read inside is of one moment (REPEATABLE READ); one statement may take ``patience`` seconds.

        As long as it lasts, VACUUM keeps rows that died since: not for hours on a busy server. Raises ConnectionLost.
        """
        begin = _BEGIN.replace("READ ONLY", "ISOLATION LEVEL REPEATABLE READ, READ ONLY", 1)
        limits = " ".join(f"SET LOCAL {name} = {int(patience * 1000)};" for name in _LIMITS)
        answer = super().run(begin.replace(" SELECT ", f" {limits} SELECT ", 1))
        try:
            if answer != [["on"]]:
                raise Refused("the server would not make the transaction read-only")
            self._wire._usock.settimeout(patience + _PATIENCE)
            self._held = True
            yield
        finally:
            self._held = False
            with contextlib.suppress(StatementError, ConnectionLost):
                super().run("ROLLBACK")
                self._wire._usock.settimeout(_PATIENCE)

    def run(self, sql: str, parameters: Iterable[str | int | float | bool | None] | None = None) -> list[list[Any]]:
        """Run one reading query; returns rows as text.

        Raises Refused for anything else, StatementError and ConnectionLost as ever.
        """
        if not _READS.match(sql):
            raise Refused(sql.strip()[:100])
        with self._reading():
            # With parameters, even none, the protocol takes one statement and no second behind a semicolon.
            return super().run(sql, () if parameters is None else parameters)

    def copy_out(self, sql: str, target: IO[bytes]) -> int:
        """``COPY … TO STDOUT``; returns the number of rows."""
        if not _COPIES.match(sql):
            raise Refused(sql.strip()[:100])
        with self._reading():
            return super().copy_out(sql, target)

    def copy_in(self, sql: str, source: IO[bytes]) -> NoReturn:  # noqa: ARG002
        """Never."""
        raise Refused(sql.strip()[:100])

    def __enter__(self) -> LiveConnection:
        return self

    @contextlib.contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Every statement is anyway."""
        yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        if self._held:
            super().run("SAVEPOINT one")
            try:
                yield
            except StatementError:
                super().run("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one")
                raise
            super().run("RELEASE SAVEPOINT one")
            return
        answer = super().run(_BEGIN)
        try:
            if answer != [["on"]]:
                raise Refused("the server would not make the transaction read-only")
            yield
        finally:
            with contextlib.suppress(StatementError):
                super().run("ROLLBACK")


def connect_live(url: str) -> LiveConnection:
    """Connect to the database of a ``postgresql://`` URL, guarded.

    Raises ConnectionProblem, which names host, port, database and user, and never the password.
    """
    return _connect(url, LiveConnection, GUARDS, _PATIENCE)


def connect_writing(url: str) -> Connection:
    """Connect as ``connect_live`` does, but with every right of the user: only for filling a database with test data,
    which the user has asked for and confirmed. Raises ConnectionProblem."""
    return _connect(url, Connection, {"lock_timeout": "10s"}, None)


C = TypeVar("C", bound=Connection)


def _connect(url: str, kind: type[C], settings: dict[str, str], patience: float | None) -> C:
    target = parse_target(url)
    try:
        try:
            wire = _wire(target, dict(target.options) | settings)
        except DatabaseError as error:
            # PgBouncer takes no settings at the start; each transaction sets its own.
            if "unsupported startup parameter" not in message_of(error).message:
                raise
            wire = _wire(target, {})
        wire._usock.settimeout(patience)
        return kind(wire, user=target.user, database=target.database)
    except DatabaseError as error:
        raise _problem(target, message_of(error)) from None
    except StatementError as error:
        raise _problem(target, error.report) from None
    except ssl.SSLCertVerificationError as error:
        words = f"its certificate does not convince ({error.verify_message})"
        raise ConnectionProblem(f"{target}: {words}", hint=f"sslmode is {target.sslmode}; see sslrootcert.") from None
    except (InterfaceError, OSError, AttributeError, PgassayError) as error:
        raise _unreachable(target, error) from None


def _wire(target: Target, settings: dict[str, str]) -> Wire:
    place: dict[str, Any] = {"host": target.host, "port": target.port, "ssl_context": tls_of(target)}
    if target.local:
        place = {"unix_sock": f"{target.host}/.s.PGSQL.{target.port}", "ssl_context": False}
    return open_wire(
        target.user,
        database=target.database,
        password=target.password,
        application_name=target.application,
        timeout=target.timeout,
        startup_params=settings,
        **place,
    )


def tls_of(target: Target) -> ssl.SSLContext | bool | None:
    """False for none; None for TLS where the server has it; else a context that demands it."""
    if target.sslmode in ("disable", "allow"):
        return False
    verify = target.sslmode in ("verify-ca", "verify-full")
    if target.sslmode == "prefer" and not target.sslcert:
        return None
    try:
        authorities = None if target.sslrootcert in (None, "system") else target.sslrootcert
        context = ssl.create_default_context(cafile=authorities if verify else None)
        context.check_hostname = target.sslmode == "verify-full"
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        if target.sslcert:
            context.load_cert_chain(target.sslcert, target.sslkey)
    except OSError as error:
        raise ConnectionProblem(f"cannot read the certificates of {target}: {error.strerror or error}") from None
    return context


def _problem(target: Target, report: ServerMessage) -> ConnectionProblem:
    hints = {
        "28P01": "Give the password in PGPASSWORD or ~/.pgpass, or in the URL with special characters as %40 …",
        "28000": "The server's pg_hba.conf decides who may connect, and whether TLS is needed (sslmode=require).",
        "3D000": "The database's name is the URL's path: postgresql://user@host/database",
        "53300": "The server has no free connection for us.",
        "57P03": "The server is starting up or shutting down.",
    }
    return ConnectionProblem(f"{target}: {_without(target, report.message)}", hint=hints.get(report.sqlstate))


def _unreachable(target: Target, error: BaseException) -> ConnectionProblem:
    if isinstance(error, ConnectionProblem):
        return error
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    hint = None
    if target.password is None and ("password" in str(error) or isinstance(error, AttributeError)):
        words, hint = "it wants a password", "Give it in PGPASSWORD, in ~/.pgpass or in the URL."
    elif isinstance(cause, TimeoutError):
        words = f"no answer within {target.timeout:g} seconds"
    elif "refuses SSL" in str(error):
        words, hint = "it has no TLS", f"sslmode is {target.sslmode}; sslmode=prefer would do without."
    elif isinstance(cause, OSError):
        words = cause.strerror or str(cause)
    else:
        words = str(error)
    return ConnectionProblem(f"{target}: {_without(target, words)}", hint=hint)


def _without(target: Target, words: str) -> str:
    """Nothing that the server or the system says may repeat the password."""
    return words.replace(target.password, "***") if target.password and len(target.password) > 3 else words
