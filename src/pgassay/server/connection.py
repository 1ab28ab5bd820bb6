"""A connection to PostgreSQL: text in, text out, errors with all that the server said."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any

from pg8000.core import TERMINATE_MSG
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection as Wire

from pgassay.errors import DiskFull, PgassayError
from pgassay.server.places import DISK_HINT


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMessage:
    """What the server says of an error or notice (manual, chapter 54.8)."""

    sqlstate: str
    message: str
    severity: str = "ERROR"
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    position: int | None = None  # 1-based, in characters of the statement sent
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    type: str | None = None
    constraint: str | None = None

    def __str__(self) -> str:
        return f"{self.message} (SQLSTATE {self.sqlstate})"


_ROLLBACK = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*(rollback|abort)\b", re.I | re.S)
_ROLLED_BACK = ServerMessage(sqlstate="25P02", message="the transaction had failed: COMMIT rolled it back")


class StatementError(Exception):
    """The server refused a statement. Not for users: the rooms above turn it into findings or clear errors."""

    def __init__(self, report: ServerMessage) -> None:
        self.report = report
        super().__init__(str(report))

    @property
    def sqlstate(self) -> str:
        """Five characters (manual, appendix A)."""
        return self.report.sqlstate


class ConnectionLost(PgassayError):
    """The connection to PostgreSQL broke: {problem}"""


class Connection:
    """One session. ``pid`` is the backend's process id.

    Values come back as text, exactly as the server prints them, so that nothing a stranger stores can upset a
    converter; the small helpers below turn our own queries' results into Python values.
    """

    def __init__(self, wire: Wire, *, user: str, database: str, pid: int | None = None) -> None:
        wire.pg_types = defaultdict(lambda: str)
        self._wire = wire
        self.user = user
        self.database = database
        self.pid = pid or int(self.value("SELECT pg_catalog.pg_backend_pid()") or 0)

    def run(self, sql: str, parameters: Iterable[str | int | float | bool | None] | None = None) -> list[list[Any]]:
        """Run SQL and return its rows as text. With parameters (``$1`` …) it must be one statement.

        Raises StatementError where the server refuses it, DiskFull where its disk is, ConnectionLost where the session
        ended.
        """
        try:
            if parameters is None:
                return self._wire.execute_simple(sql).rows or []
            texts = tuple(_text(p) for p in parameters)
            return self._wire.execute_unnamed(sql, texts).rows or []
        except InterfaceError as error:
            # The driver's word for the end of a failed transaction; only after a COMMIT is it news.
            if "failed transaction" in str(error):
                if _ROLLBACK.match(sql):
                    return []
                raise StatementError(_ROLLED_BACK) from None
            raise self._failure(error) from error
        except Exception as error:
            raise self._failure(error) from error
        except BaseException:  # interrupted: the answer is still on its way
            self.close()
            raise

    def _failure(self, error: Exception) -> Exception:
        """What a driver's exception means. Unless it is the server's answer, the session is out of step: close it."""
        if isinstance(error, DatabaseError):
            report = message_of(error)
            if report.sqlstate == "53100" or "quota exceeded" in report.message:
                return DiskFull(report.message, hint=DISK_HINT)
            return StatementError(report)
        self.close()
        return ConnectionLost(str(error) or type(error).__name__)

    def value(self, sql: str, parameters: Iterable[str | int | float | bool | None] | None = None) -> str | None:
        """The first column of the first row, or None."""
        rows = self.run(sql, parameters)
        value: str | None = rows[0][0] if rows else None
        return value

    def json(self, sql: str, parameters: Iterable[str | int | float | bool | None] | None = None) -> Any:
        """The first column of the first row, read as JSON."""
        text = self.value(sql, parameters)
        return None if text is None else json.loads(text)

    def copy_in(self, sql: str, source: IO[bytes]) -> int:
        """``COPY … FROM STDIN``; returns the number of rows."""
        return self._copy(sql, source)

    def copy_out(self, sql: str, target: IO[bytes]) -> int:
        """``COPY … TO STDOUT``; returns the number of rows."""
        return self._copy(sql, target)

    def _copy(self, sql: str, stream: IO[bytes]) -> int:
        try:
            return int(self._wire.execute_unnamed(sql, stream=stream).row_count)
        except Exception as error:
            raise self._failure(error) from error
        except BaseException:
            self.close()
            raise

    @property
    def transaction(self) -> str:
        """``idle``, ``open`` or ``failed``."""
        status = self._wire._transaction_status or b"I"  # None before the first statement
        return {b"I": "idle", b"T": "open", b"E": "failed"}[status]

    @contextlib.contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Everything inside happens in a transaction that is rolled back."""
        self.run("BEGIN")
        try:
            yield
        finally:
            with contextlib.suppress(ConnectionLost):  # then it was rolled back, and the block knows
                if self.transaction != "idle":
                    self.run("ROLLBACK")

    def notices(self) -> list[ServerMessage]:
        """The notices and warnings since the last call."""
        found = [_fields({k.decode(): v.decode() for k, v in n.items()}) for n in self._wire.notices]
        self._wire.notices.clear()
        return found

    def close(self) -> None:
        """End the session; a session that is gone already is no error.

        Waits until the backend has ended: CREATE and DROP DATABASE sleep 100 ms when one is still on its way out.
        """
        with contextlib.suppress(InterfaceError, DatabaseError, OSError, ValueError, AttributeError):
            self._wire._sock.write(TERMINATE_MSG)
            self._wire._sock.flush()
            self._wire._usock.settimeout(1.0)
            self._wire._sock.read()
        with contextlib.suppress(InterfaceError, DatabaseError, OSError, ValueError):
            self._wire.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_wire(user: str, **options: Any) -> Wire:
    """The driver's connection. Raises the driver's DatabaseError where the server refuses us, else what it raises."""
    try:
        return Wire(user, **options)
    except (InterfaceError, OSError) as error:
        # Refused, the driver says good-bye to a server that has hung up already, and reports only that.
        before = error.__context__
        while before is not None:
            if isinstance(before, DatabaseError):
                raise before from None
            before = before.__context__
        raise


def connect_socket(
    directory: str, *, user: str, database: str, port: int = 5432, search_path: str | None = None, patience: float = 0.0
) -> Connection:
    """Connect by unix socket, retrying for ``patience`` seconds while the server comes up."""
    deadline = time.monotonic() + patience
    while True:
        try:
            wire = open_wire(
                user,
                unix_sock=f"{directory}/.s.PGSQL.{port}",
                database=database,
                application_name="pgassay",
                ssl_context=False,
                startup_params={"search_path": search_path} if search_path else None,
            )
            # Without a pooler between us, what the server said of itself on connecting (manual, chapter 54.2) is true.
            pid = int.from_bytes(wire._backend_key_data[:4], "big")
            return Connection(wire, user=user, database=database, pid=pid)
        except (InterfaceError, OSError) as error:
            if time.monotonic() > deadline:
                raise ConnectionLost(str(error)) from None
        except DatabaseError as error:
            report = message_of(error)
            if report.sqlstate != "57P03":  # cannot_connect_now: starting up
                raise StatementError(report) from None
            if time.monotonic() > deadline:
                raise ConnectionLost(report.message) from None
        time.sleep(0.004)


def _text(value: str | int | float | bool | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def message_of(error: DatabaseError) -> ServerMessage:
    """The server's words in a driver's exception."""
    fields = error.args[0] if error.args else {}
    if not isinstance(fields, dict):
        return ServerMessage(sqlstate="XX000", message=str(error))
    return _fields(fields)


def _fields(fields: dict[str, str]) -> ServerMessage:
    position = fields.get("P")
    return ServerMessage(
        sqlstate=fields.get("C", "XX000"),
        message=fields.get("M", ""),
        severity=fields.get("V") or fields.get("S", "ERROR"),
        detail=fields.get("D"),
        hint=fields.get("H"),
        context=fields.get("W"),
        position=int(position) if position else None,
        schema=fields.get("s"),
        table=fields.get("t"),
        column=fields.get("c"),
        type=fields.get("d"),
        constraint=fields.get("n"),
    )
