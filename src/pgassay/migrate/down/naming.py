"""What was renamed or moved, told by what stays the same: PostgreSQL's own numbers of objects and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pgassay.model import Name, literal, quote
from pgassay.server import Connection, StatementError
from pgassay.sql.queries import queries

_RELATIONS = {"TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "INDEX"}
_LAYERS = (
    {"SCHEMA"},
    {"TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "TYPE", "DOMAIN"},
    {"SEQUENCE", "COLUMN", "ATTRIBUTE", "VALUE", "CONSTRAINT", "DOMAIN CONSTRAINT"},
    {"AGGREGATE", "PROCEDURE", "FUNCTION"},
    {"INDEX", "TRIGGER", "POLICY", "RULE"},
)  # fmt: skip
_AWAY = "pgassay_away_"  # for what stands in the way of an old name and goes anyway


@dataclass(frozen=True, slots=True)
class Identity:
    """An object under its present name: ``word`` is what ALTER calls it, ``owner`` what it is a part of."""

    word: str
    id: str
    schema: str | None
    name: str
    owner: Name | None
    detail: str | None

    @property
    def place(self) -> tuple[object, ...]:
        """Two objects of one place cannot bear one name."""
        kind = "relation" if self.word in _RELATIONS else "type" if self.word == "DOMAIN" else self.word
        return (kind, self.schema, self.owner, self.detail)

    def alter(self) -> str:
        """``ALTER TABLE public.token``: what a renaming begins with, for what is no part of anything."""
        arguments = f"({self.detail or '*'})" if self.word == "AGGREGATE" else f"({self.detail})"
        name = Name(self.schema, self.name)
        return f"ALTER {self.word} {name}{arguments if self.detail is not None else ''}"

    def renamed(self, name: str) -> str:
        """The statement that gives it another name."""
        old, new = quote(self.name), quote(name)
        match self.word:
            case "COLUMN" | "CONSTRAINT":
                return f"ALTER TABLE {self.owner} RENAME {self.word} {old} TO {new}"
            case "ATTRIBUTE":
                return f"ALTER TYPE {self.owner} RENAME ATTRIBUTE {old} TO {new} CASCADE"
            case "VALUE":
                return f"ALTER TYPE {self.owner} RENAME VALUE {literal(self.name)} TO {literal(name)}"
            case "DOMAIN CONSTRAINT":
                return f"ALTER DOMAIN {self.owner} RENAME CONSTRAINT {old} TO {new}"
            case "TRIGGER" | "POLICY" | "RULE":
                return f"ALTER {self.word} {old} ON {self.owner} RENAME TO {new}"
        return f"{self.alter()} RENAME TO {new}"


def identities(session: Connection) -> dict[str, Identity]:
    """Every object of a database that has a name, by what stays when that changes."""
    found = session.json(queries("pgassay.migrate.down", "identities.sql")["identities"]) or ()
    return {
        id: Identity(word, id, schema, name, Name(*owner) if owner else None, detail)
        for word, id, schema, name, owner, detail in found
    }


def rename_back(session: Connection, before: Mapping[str, Identity]) -> tuple[str, ...]:
    """Give every object of ``before`` its old name and schema again, and return the statements that did.

    What PostgreSQL refuses to rename keeps its new name: it is dropped and made later. The session is in a transaction.
    """
    done: list[str] = []
    now = identities(session)
    if all((thing.schema, thing.name) == (now[id].schema, now[id].name) for id, thing in before.items() if id in now):
        return ()
    for words in _LAYERS:
        for _ in range(3):  # what moves along with something else has moved by the second look
            made = list(_round(session, before, words))
            done += made
            if not made:
                break
    return tuple(done)


def _round(session: Connection, before: Mapping[str, Identity], words: set[str]) -> Iterator[str]:
    now = identities(session)
    if words != {"SCHEMA"}:
        yield from _schemas(session, now, before, words)
    for id, thing in now.items():
        old = before.get(id)
        if old is None or thing.word not in words:
            continue
        if thing.schema != old.schema and thing.schema is not None:
            if thing.word == "INDEX":
                continue  # goes with its table
            target = replace(thing, schema=old.schema).place
            for other in identities(session).values():
                if other.place == target and other.name == thing.name:
                    yield from _tried(session, other.renamed((_AWAY + other.name)[:63]))
            yield from _tried(session, f"{thing.alter()} SET SCHEMA {quote(old.schema or '')}")
            continue  # renamed in the next round
        if thing.name == old.name:
            continue
        current = identities(session)
        if id not in current or current[id].name == old.name:
            continue
        for other in current.values():
            if other.place == current[id].place and other.name == old.name:
                yield from _tried(session, other.renamed((_AWAY + other.name)[:63]))
        yield from _tried(session, current[id].renamed(old.name))


def _schemas(
    session: Connection, now: Mapping[str, Identity], before: Mapping[str, Identity], words: set[str]
) -> Iterator[str]:
    """Schemas that are gone, and that something is to move back to."""
    there = {thing.name for thing in now.values() if thing.word == "SCHEMA"}
    wanted = {
        old.schema
        for id, thing in now.items()
        if thing.word in words and (old := before.get(id)) and old.schema != thing.schema and old.schema
    }
    for schema in sorted(wanted - there):
        yield from _tried(session, f"CREATE SCHEMA {quote(schema)}")


def _tried(session: Connection, sql: str) -> Iterator[str]:
    session.run("SAVEPOINT rename")
    try:
        session.run(sql)
    except StatementError:
        session.run("ROLLBACK TO SAVEPOINT rename")
        return
    session.run("RELEASE SAVEPOINT rename")
    yield sql
