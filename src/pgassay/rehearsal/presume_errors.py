"""What a trial run on a scratch database shows of gaps that the text alone does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from pgassay.model import Name, Statement
from pgassay.model.actions import (
    Copy,
    CreateExtension,
    CreateIndex,
    DetachPartition,
    Drop,
    Maintain,
    Other,
    Reindex,
    Transact,
)
from pgassay.server import Connection, ConnectionLost, ServerMessage, StatementError
from pgassay.sql.usage_known import EXTENSION_FUNCTIONS, EXTENSION_TYPES
from pgassay.sql.usage_objects import CONVERTED, Column, Relation
from pgassay.sql.usage_world import World

_SECONDS = 3  # for one statement on empty tables
_MISSING = {"42P01", "42703", "42704", "42883", "3F000", "42P10", "42830", "42804", "0A000", "58P01", "55000"}


@dataclass(frozen=True, slots=True)
class Refused:
    """A presumed statement that the server refused."""

    sql: str
    report: ServerMessage


@dataclass(frozen=True, slots=True)
class Failed:
    """A statement of the history that failed."""

    statement: Statement
    report: ServerMessage


@dataclass(slots=True)
class Trial:
    """One run: what was refused of our own DDL, and what failed of the history."""

    refused: list[Refused] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    lost: bool = False

    def missing(self, world: World) -> list[Failed]:
        """Failures for want of something that the history does not make itself."""
        return [
            f
            for f in self.failed
            if f.report.sqlstate in _MISSING
            and _subject(f.report) not in world.created
            and not any(True for _ in f.statement.of(CreateExtension))
            and EXTENSION_FUNCTIONS.get(_called(f.report)) not in world.made_extensions
        ]


def attempt(
    session: Connection,
    presumed: Sequence[str],
    statements: Sequence[Statement],
    ready: Collection[str] = (),
    allow: Callable[[float | None], None] = lambda _seconds: None,
) -> Trial:
    """Run the presumed DDL and then the statements, each behind a savepoint, and roll everything back.

    ``ready`` are extensions that are installed already; ``allow`` gives the next statement so many seconds, even where
    it switches its own timeout off.
    """
    trial = Trial()
    session.run(f"BEGIN; SET LOCAL statement_timeout = '{_SECONDS}s'; SET LOCAL client_min_messages = error")
    try:
        for sql in presumed:
            report = _run(session, sql)
            if report is not None:
                trial.refused.append(Refused(sql, report))
        for statement in statements:
            allow(_SECONDS + 1.0)
            text = in_transaction(statement)
            report = (
                _run(session, text)
                if text and not any(e.name in ready for e in statement.of(CreateExtension))
                else None
            )
            if report is not None:
                trial.failed.append(Failed(statement, report))
        allow(None)
        session.run("ROLLBACK")
        session.run("RESET ALL; RESET SESSION AUTHORIZATION")
    except ConnectionLost:
        trial.lost = True  # a statement that ends its own session, or never ends
    return trial


def _run(session: Connection, sql: str) -> ServerMessage | None:
    session.run("SAVEPOINT pgassay_trial")
    try:
        session.run(sql)
    except StatementError as error:
        session.run("ROLLBACK TO pgassay_trial")
        return error.report
    session.run("RELEASE pgassay_trial")
    return None


def in_transaction(statement: Statement) -> str | None:
    """The statement as it can run inside a transaction, or None where it cannot."""
    for action in statement.actions:
        match action:
            case Transact() | Copy() | Maintain(kind="vacuum"):
                return None
            case Other(kind=("createdb" | "dropdb" | "alter system" | "create table space" | "create subscription")):
                return None
            case CreateIndex(concurrently=True) | Reindex(concurrently=True) | Drop(concurrently=True):
                return re.sub(r"(?i)\bconcurrently\b", "", statement.text, count=1)
            case DetachPartition(concurrently=True) | Maintain(kind="refresh", concurrently=True):
                return re.sub(r"(?i)\bconcurrently\b", "", statement.text, count=1)
    return statement.text


def _quoted(message: str) -> list[str]:
    return re.findall(r'"([^"]+)"', message)


def _subject(report: ServerMessage) -> str:
    names = _quoted(report.message)
    return names[-1].split(".")[-1] if names else ""


def _called(report: ServerMessage) -> str:
    match = re.match(r"function (?:\w+\.)?(\w+)\(", report.message)
    return match[1] if match else ""


def revise(session: Connection, world: World, trial: Trial) -> bool:
    """Mend the presumption by what failed. False where nothing can be mended any more."""
    changed = False
    for failed in trial.failed:
        world.place = f"line {failed.statement.line}"
        changed |= _mend(session, world, failed)
    return changed


def _mend(session: Connection, world: World, failed: Failed) -> bool:
    report = failed.report
    names = _quoted(report.message)
    match report.sqlstate:
        case "42P01" if names and report.message.startswith("relation"):
            return _relation(world, names[0])
        case "42703":
            return _column(world, failed)
        case "42704" if report.message.startswith("type") and names:
            return _type(world, names[0])
        case "42704" if report.message.startswith("role") and names:
            return False
        case "3F000" if names and names[0] not in world.schemas:
            if names[0] in world.made_schemas:
                return False
            world.schema(names[0])
            return True
        case "42883":
            return _function(session, world, report.message)
        case "42804" | "42846" | "42P18":
            return _mismatch(world, failed)
        case "42830" | "42P10":
            return False
    return False


def _name(text: str) -> Name:
    parts = text.split(".")
    return Name(parts[-2] if len(parts) > 1 else None, parts[-1])


def _relation(world: World, text: str) -> bool:
    name = _name(text)
    if name.name in world.created or world.qualified(name) in world.gone:
        return False
    if any(world.qualified(name) in r.names for r in world.presumed):
        return False
    world.search_path = ["public"]
    return world.relation(name) is not None


def _tables(world: World, name: str) -> list[Relation]:
    return [r for r in world.presumed if any(n.name == name for n in r.names)]


def _column(world: World, failed: Failed) -> bool:
    message = failed.report.message
    of = re.match(r'column "(?P<column>[^"]+)" of relation "(?P<table>[^"]+)"', message)
    bare = re.match(r'column (?:"(?P<quoted>[^"]+)"|(?P<alias>[^\s."]+)\.(?P<name>\S+)) does not exist', message)
    if of:
        tables, column = _tables(world, of["table"]), of["column"]
    elif bare:
        column = (bare["quoted"] or bare["name"]).strip('"')
        wanted = [bare["alias"]] if bare["alias"] else []
        wanted += re.findall(
            r'(?:from|join|update|into|table|on|references)\s+(?:only\s+)?"?(?:\w+"?\."?)?(\w+)',
            failed.statement.text + (failed.report.context or ""),
            re.I,
        )
        tables = [t for n in wanted for t in _tables(world, n)]
        tables = tables or (world.presumed if len(world.presumed) == 1 else [])
    else:
        return False
    for table in tables:
        if column not in table.originals and column not in table.gone and column not in table.columns:
            made = Column(column, world.place)
            table.originals[column] = table.columns[column] = made
            return True
    return False


def _type(world: World, text: str) -> bool:
    name = _name(text.removesuffix("[]"))
    if name.name in EXTENSION_TYPES:
        return False  # of an extension that this server does not have
    if name.name in world.created or any(t.name.name == name.name for t in world.presumed_types()):
        return False
    return world.type(name) is not None


def _function(session: Connection, world: World, message: str) -> bool:
    match = re.match(r"(?P<kind>function|procedure) (?P<name>[^(]+)\((?P<arguments>.*)\) does not exist", message)
    if not match:
        return False
    name = _name(match["name"].replace('"', ""))
    if name.name in world.created or any(r.name.name == name.name and not r.presumed for r in world.routines):
        return False
    if EXTENSION_FUNCTIONS.get(name.name) in world.made_extensions:
        return False
    if session.value("SELECT 1 FROM pg_catalog.pg_proc WHERE proname = $1 LIMIT 1", [name.name]):
        return False  # PostgreSQL's own, called with arguments that it does not take
    arguments = tuple(a.strip() for a in match["arguments"].split(",") if a.strip())
    arguments = tuple("text" if a == "unknown" else a for a in arguments)
    known = next((r for r in world.routines if r.name.name == name.name), None)
    if known is not None:
        if known.arguments == arguments:
            return False
        known.arguments = arguments
        return True
    world.search_path = ["public"]
    return world.routine(name, arguments, kind=match["kind"]) is not None


def _mismatch(world: World, failed: Failed) -> bool:
    match = re.match(
        r'column "(?P<column>[^"]+)" is of type (?P<is>.+) but (?:default )?expression is of type (?P<wants>.+)',
        failed.report.message,
    )
    if match:
        for relation in world.presumed:
            column = relation.originals.get(match["column"])
            if column is not None and (CONVERTED + 15, match["wants"]) not in column.hints:
                column.hint(CONVERTED + 15, match["wants"])
                return True
    return False
