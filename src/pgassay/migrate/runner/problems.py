"""What can stop a run. Each is one message that says what is kept and which command is next."""

from __future__ import annotations

from pgassay.errors import DiskFull, PgassayError
from pgassay.server import ConnectionLost, StatementError

LOCK_TIMEOUT, CANCELLED, DEADLOCK, SERIALISATION = "55P03", "57014", "40P01", "40001"


class MigrationStopped(PgassayError):
    """{problem}"""


_HINTS = {
    "42501": "Grant what is missing, or run as the owner of the objects; then the same command again.",
    "25006": "The server only reads: it is a standby, or default_transaction_read_only is on. Name the primary.",
    "42P07": "Is it there already? What ran before pgassay kept a record can be marked: pgassay migrate up --baseline.",
    "42701": "Is it there already? What ran before pgassay kept a record can be marked: pgassay migrate up --baseline.",
    "42710": "Is it there already? What ran before pgassay kept a record can be marked: pgassay migrate up --baseline.",
}
_ENDED = ("57P01", "57P02", "57P03", "25P03", "57P05", "25P04")  # the server ended the session


def stopped(error: Exception, where: str, kept: str, command: str) -> PgassayError:
    """The message of an error that stopped a run at a place, where ``kept`` has been kept."""
    again = f"{kept} Next: {command}"
    if isinstance(error, DiskFull):
        return MigrationStopped(
            f"{where}: the server's disk is full ({error.problem})", hint=f"Make room on it. {again}"
        )
    if isinstance(error, ConnectionLost) or (isinstance(error, StatementError) and error.sqlstate in _ENDED):
        words = error.problem if isinstance(error, ConnectionLost) else error.report.message
        return MigrationStopped(f"{where}: the connection was lost ({words})", hint=again)
    if isinstance(error, StatementError):
        more = f"\n{error.report.detail}" if error.report.detail else ""
        hint = _HINTS.get(error.sqlstate)
        return MigrationStopped(f"{where}: {error.report}{more}", hint=f"{hint} {again}" if hint else again)
    raise error
