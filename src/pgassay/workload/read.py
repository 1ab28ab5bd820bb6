"""The application's statements, from a ``.sql`` file, from PostgreSQL's logs or from ``pg_stat_statements``."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pgassay.errors import InputError
from pgassay.model.actions import Delete, Insert, Query, Transact, Update
from pgassay.server import Connection, StatementError
from pgassay.sql import parse
from pgassay.sql.queries import queries
from pgassay.workload.files import read_sql
from pgassay.workload.gather import gathered
from pgassay.workload.logs import OF_AN_APPLICATION, entries
from pgassay.workload.model import Query as Statement

_MOST = 500
_MOST_MEASURED = 5_000
_SNIFFED = 64 * 1024
_LOG_LINE = re.compile(r"(?:^|[\s:\]])(?:LOG|ERROR|DETAIL|WARNING|FATAL):  ", re.M)
_CSV_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]* [^ ,]+,", re.M)


def read_file(path: str) -> tuple[str, ...]:
    """The statements of a file. Raises InputError where it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the workload: {error}", path=path) from None
    # What begins or ends a transaction would end the one that the others are tried in.
    return tuple(s.text for s in parse(text, path) if not any(s.of(Transact)))


def read_statistics(connection: Connection) -> tuple[str, ...]:
    """The statements that take most time, from ``pg_stat_statements``; none where the extension is not there."""
    query = queries("pgassay.workload", "statements.sql")
    schema = connection.value(query["schema"])
    if schema is None:
        return ()
    try:
        rows = connection.run(query["statements"].replace("{schema}", schema), [_MOST])
    except StatementError:
        return ()
    return tuple(text for (text,) in rows if _readable(text))


def _readable(text: str) -> bool:
    """Whether it is one plain statement of an application (utility statements and cut-off texts are not)."""
    try:
        statements = parse(text, "pg_stat_statements")
    except InputError:
        return False
    return len(statements) == 1 and any(isinstance(a, Query | Insert | Update | Delete) for a in statements[0].actions)


def read_workload(path: str | Path) -> tuple[Statement, ...]:
    """The statements of a file: SQL, PostgreSQL's log (plain, csv or JSON), or rows of ``pg_stat_statements`` as csv.

    What the file is, is seen from its beginning. Statements that do not parse are among them: ``settle`` names them.
    Raises InputError where the file cannot be read.
    """
    place = Path(path)
    try:
        with place.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            style = _style(place, file.read(_SNIFFED))
            file.seek(0)
            match style:
                case "sql":
                    return read_sql(_strict(place), str(path))
                case "rows":
                    return tuple(_of_rows(file, str(path)))
            return gathered(entries(file, style), str(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read the workload: {error}", path=str(path)) from None


def _strict(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")


def _style(path: Path, head: str) -> str:
    first = head.split("\n", 1)[0].lower()
    columns = {word.strip(' "\r') for word in first.split(",")}
    if {"query", "calls"} <= columns:
        return "rows"
    if path.suffix == ".sql":
        return "sql"
    if head.lstrip().startswith("{"):
        return "json"
    if _CSV_LINE.match(head):
        return "csv"
    return "log" if _LOG_LINE.search(head) else "sql"


def _of_rows(file: IO[str], source: str) -> Iterator[Statement]:
    reader = csv.DictReader(file)
    for row in reader:
        values = {(key or "").strip().lower(): value for key, value in row.items()}
        total = values.get("total_exec_time") or values.get("total_time")
        try:
            calls, ms = int(float(values["calls"])), float(total) if total else None
        except (ValueError, TypeError):
            raise InputError("calls and times must be numbers", path=source, line=reader.line_num) from None
        yield Statement(text=values["query"].strip(), calls=calls, total_ms=ms, source=source, line=reader.line_num)


def read_measured(connection: Connection) -> tuple[Statement, ...]:
    """The statements of ``pg_stat_statements`` of this database with calls and times, those that took most time first.

    None where the extension is not there or may not be read. Queries of the catalogs, and commands such as BEGIN and
    SET, are left out.
    """
    query = queries("pgassay.workload", "statements.sql")
    schema = connection.value(query["schema"])
    if schema is None:
        return ()
    try:
        newer = connection.value(query["columns"].replace("{schema}", schema.replace("'", "''")))
        time = "total_exec_time" if newer else "total_time"
        rows = connection.json(query["measured"].replace("{schema}", schema).replace("{time}", time), [_MOST_MEASURED])
    except StatementError:
        return ()
    return tuple(
        Statement(
            text=row["query"], calls=int(row["calls"]), total_ms=float(row["ms"]), source="pg_stat_statements", line=n
        )
        for n, row in enumerate(rows or (), 1)
        if OF_AN_APPLICATION.match(row["query"])
    )
