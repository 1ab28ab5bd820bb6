"""Create a schema from pg_dump's text in an empty scratch database, as its owner; what fails is named, not fatal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pgassay.model import Statement, literal, quote
from pgassay.model.actions import CreateExtension, CreateSchema
from pgassay.server import OWNER, SUPERUSER, Connection, Server, StatementError, install
from pgassay.sql import parse
from pgassay.twin.export_file import Export, ServerFacts

HELPER = "pgassay_ghost"  # a schema for the making alone
_HARMLESS = {"42P06", "42710"}  # the schema, the extension is there already
_MISSING_COLLATION = re.compile(r'collation "([^"]+)" for encoding')
_COLLATION = re.compile(r"CREATE COLLATION (\S+) \(")
_INDEX = re.compile(
    r'CREATE (?:UNIQUE )?INDEX (?:"((?:[^"]|"")+)")|^ALTER TABLE .*\n? *ADD CONSTRAINT "((?:[^"]|"")+)"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmade:
    """A statement of the schema that the ghost does without, and why."""

    statement: str
    reason: str


def create_database(server: Server, name: str, facts: ServerFacts) -> str | None:
    """Create an empty database whose collation is like production's; returns in words what it is not.

    Only under the C collation does a plain index serve ``LIKE 'x%'``, so a linguistic collation that this machine does
    not have is replaced by one that is not C either.
    """
    wanted = facts.collate if facts.provider == "c" else facts.locale or facts.collate
    libc = "LOCALE_PROVIDER libc " if server.major >= 15 else ""
    if facts.provider == "b" or (facts.provider == "c" and facts.collate in ("C", "POSIX")):
        attempts = [f"{libc}LOCALE 'C'"]
        if facts.provider == "b" and server.major >= 17:
            attempts.insert(0, f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {literal(wanted)} LOCALE 'C'")
    else:
        attempts = [f"{libc}LC_COLLATE {literal(facts.collate)} LC_CTYPE {literal(facts.ctype)}"]
        if facts.provider == "i":
            attempts = [f"LOCALE_PROVIDER icu ICU_LOCALE {literal(wanted)} LOCALE 'C'"] if server.major >= 15 else []
        attempts += [f"{libc}LOCALE {literal(each)}" for each in ("en_US.UTF-8", "C.UTF-8", "C.utf8", "UTF-8")]
    for number, attempt in enumerate(attempts):
        try:
            server.admin.run(
                f"CREATE DATABASE {quote(name)} TEMPLATE template0 OWNER {OWNER} ENCODING 'UTF8' {attempt}"
            )
        except StatementError as error:
            if error.sqlstate in ("42704", "22023", "0A000", "42809") and number + 1 < len(attempts):
                continue
            raise
        server.admin.run(f"REVOKE ALL ON DATABASE {quote(name)} FROM PUBLIC")
        if number:
            return f"the collation {wanted} is not on this machine: texts are ordered as {attempt.split()[-1]} has it"
        return None
    return None


def create_schema(server: Server, database: str, export: Export) -> tuple[Unmade, ...]:
    """Run the schema's statements: in one go where that works, else one by one."""
    statements = [s for s in parse(export.schema, "schema") if _matters(s)]
    unmade: list[Unmade] = []
    first = [s for s in statements if any(True for _ in s.of(CreateSchema))]
    extensions = [s for s in statements if any(True for _ in s.of(CreateExtension))]
    rest = _as_created([s for s in statements if s not in first and s not in extensions], export)
    with server.connect(database) as session:
        _settle(session)
        for statement in first:
            _run(server, database, session, statement.text, unmade)
        for statement in extensions:
            _extend(server, database, statement, unmade)
        try:
            session.run("BEGIN;\n" + ";\n".join(s.text for s in rest) + ";\nCOMMIT")
        except StatementError:
            session.run("ROLLBACK")
            _settle(session)
            for statement in rest:
                _run(server, database, session, statement.text, unmade)
    return tuple(unmade)


_NO_MATTER = re.compile(
    r"SET |SELECT pg_catalog\.set_config\(|(CREATE|ALTER) EVENT TRIGGER |ALTER TABLE .* ROW LEVEL SECURITY\Z"
)


def _matters(statement: Statement) -> bool:
    """Whether a plan of the tables' owner may depend on it."""
    return _NO_MATTER.match(statement.text) is None


def _settle(session: Connection) -> None:
    session.run(
        "SET check_function_bodies = off; SET client_min_messages = error; SET search_path = '';"
        " SET row_security = off; SET xmloption = content; SET statement_timeout = '60s'"
    )


def _as_created(statements: list[Statement], export: Export) -> list[Statement]:
    """Indexes in production's order of creation: of equally good ones the planner takes the younger."""
    order = {(r.schema, r.name): r.order for r in export.relations if r.method}
    names = {name for _, name in order}
    places, ranked = [], []
    for position, statement in enumerate(statements):
        found = _INDEX.match(statement.text)
        name = (found[1] or found[2]).replace('""', '"') if found else None
        if name in names and "FOREIGN KEY" not in statement.text:
            rank = min(number for (_, each), number in order.items() if each == name)
            places.append(position)
            ranked.append((rank, position))
    moved = [statements[position] for _, position in sorted(ranked)]
    for position, statement in zip(places, moved, strict=True):
        statements[position] = statement
    return statements


def _run(server: Server, database: str, session: Connection, text: str, unmade: list[Unmade]) -> None:
    try:
        session.run(text)
        return
    except StatementError as error:
        problem = error
    if problem.sqlstate in _HARMLESS:
        return
    replaced = _with_a_collation(server, database, text, problem)
    if replaced:
        try:
            session.run(replaced)
            return
        except StatementError as error:
            problem = error
    unmade.append(Unmade(statement=" ".join(text.split())[:200], reason=problem.report.message))


def _with_a_collation(server: Server, database: str, text: str, problem: StatementError) -> str | None:
    """What to run instead, where it fails for a collation that this machine does not have; None where not for that."""
    created = _COLLATION.match(text)
    if created:
        return f"CREATE COLLATION {created[1]} (provider = libc, locale = 'C.UTF-8')"
    missing = _MISSING_COLLATION.search(problem.report.message)
    if missing is None:
        return None
    name = missing[1].rpartition(".")[2]
    with server.connect(database, role=SUPERUSER) as admin:
        try:
            admin.run(f"CREATE COLLATION pg_catalog.{quote(name)} (provider = libc, locale = 'C.UTF-8')")
        except StatementError:
            return None
    return text


def _extend(server: Server, database: str, statement: Statement, unmade: list[Unmade]) -> None:
    for extension in statement.of(CreateExtension):
        if extension.name in ("plpgsql", "pg_stat_statements"):
            continue
        try:
            outcome = install(server, database, extension.name, extension.schema)
        except StatementError as error:
            unmade.append(Unmade(statement=statement.text, reason=error.report.message))
            continue
        if outcome == "missing":
            unmade.append(Unmade(statement=statement.text, reason="this server does not have the extension"))
