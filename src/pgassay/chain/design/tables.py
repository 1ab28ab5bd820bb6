"""A table as the design means it, and the statements that make it and take it away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pgassay.chain.model import DesignedTable, Listing
from pgassay.chain.names import joined
from pgassay.model import Name, literal, quote

Role = Literal["registry", "chain", "event", "rollup", "compliance", "entity", "dictionary", "tenancy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column. ``type``, ``default`` and ``check`` are SQL; ``references`` is a table and its column."""

    name: str
    type: str
    null: bool = False
    default: str | None = None
    check: str | None = None
    generated: str | None = None  # "GENERATED …", as SQL
    references: tuple[Name, str] | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An index and the reason for it. ``keys`` are columns, or SQL where they are no column of the table."""

    keys: tuple[str, ...]
    why: str
    method: str = "btree"
    where: str | None = None
    include: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A table: ``key`` is its primary key, ``unique`` further keys, ``partition`` the columns of its ranges,
    ``first`` the bounds of the first partition as SQL."""

    name: Name
    role: Role
    purpose: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[tuple[str, str], ...] = ()  # name and SQL
    foreign: tuple[tuple[tuple[str, ...], Name, tuple[str, ...]], ...] = ()
    indexes: tuple[Served, ...] = ()
    listings: tuple[Listing, ...] = ()
    partition: str | None = None
    first: tuple[str, str] | None = None
    options: tuple[str, ...] = ()
    append_only: bool = False
    source: str = ""
    topic: str | None = None
    tenant_column: str | None = None
    after: tuple[str, ...] = field(default=())  # statements behind it: triggers
    before_drop: tuple[str, ...] = field(default=())

    @property
    def designed(self) -> DesignedTable:
        """What the design says of it."""
        return DesignedTable(
            name=self.name.name, role=self.role, purpose=self.purpose, source=self.source, topic=self.topic,
            tenant_column=self.tenant_column,
        )  # fmt: skip

    def field(self, name: str) -> Field | None:
        """The column of that name."""
        return next((f for f in self.fields if f.name == name), None)

    def index_name(self, served: Served) -> str:
        """The name of one of its indexes."""
        return served.name or joined(self.name.name, *map(_word, served.keys), "idx")

    @property
    def key_name(self) -> str:
        """The name of its primary key's index."""
        return joined(self.name.name, "pkey")


def _word(key: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else "_" for c in key.lower()).strip("_")


def listed(columns: Iterable[str]) -> str:
    """Column names with commas, quoted where that is needed."""
    return ", ".join(map(quote, columns))


def forward(table: Meant) -> tuple[str, ...]:
    """The statements that make a table, its indexes and its comments; without what must wait (``after``)."""
    lines = [_field(f) for f in table.fields]
    if table.key:
        lines.append(f"CONSTRAINT {quote(table.key_name)} PRIMARY KEY ({listed(table.key)})")
    for columns in table.unique:
        lines.append(f"CONSTRAINT {quote(joined(table.name.name, *columns, 'key'))} UNIQUE ({listed(columns)})")
    for name, sql in table.checks:
        lines.append(f"CONSTRAINT {quote(joined(table.name.name, name, 'check'))} CHECK ({sql})")
    for own, target, theirs in table.foreign:
        constraint = quote(joined(table.name.name, *own, "fkey"))
        keys = f"({listed(theirs)})"
        lines.append(f"CONSTRAINT {constraint} FOREIGN KEY ({listed(own)}) REFERENCES {target} {keys}")
    body = ",\n  ".join(lines)
    tail = f" PARTITION BY RANGE ({table.partition})" if table.partition else ""
    tail += f" WITH ({', '.join(table.options)})" if table.options else ""
    made = [f"CREATE TABLE {table.name} (\n  {body}\n){tail}"]
    made.append(f"COMMENT ON TABLE {table.name} IS {literal(comment(table))}")
    for f in table.fields:
        if f.comment:
            made.append(f"COMMENT ON COLUMN {table.name}.{quote(f.name)} IS {literal(f.comment)}")
    for served in table.indexes:
        name = table.index_name(served)
        keys = ", ".join(quote(k) if table.field(k) else k for k in served.keys)
        using = "" if served.method == "btree" else f" USING {served.method}"
        include = f" INCLUDE ({listed(served.include)})" if served.include else ""
        where = f" WHERE {served.where}" if served.where else ""
        made.append(f"CREATE INDEX {quote(name)} ON {table.name}{using} ({keys}){include}{where}")
        made.append(f"COMMENT ON INDEX {table.name.named(name)} IS {literal(served.why)}")
    if table.partition and table.first:
        first = table.name.named(joined(table.name.name, "p0"))
        low, high = table.first
        made.append(f"CREATE TABLE {first} PARTITION OF {table.name} FOR VALUES FROM ({low}) TO ({high})")
    return tuple(made)


def comment(table: Meant) -> str:
    """The table's comment: its purpose, and in its last line what it was made of."""
    return f"{table.purpose}\n{SOURCE}{table.source}" if table.source else table.purpose


SOURCE = "Source: "


def sources(comments: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Names of tables by what they were made of, read from the comments of an earlier run's tables."""
    found = {}
    for name, text in comments:
        *_, last = (text or "").splitlines() or [""]
        if last.startswith(SOURCE):
            found[last.removeprefix(SOURCE)] = name
    return found


def back(table: Meant) -> tuple[str, ...]:
    """The statements that take it away."""
    return (*table.before_drop, f"DROP TABLE {table.name}")


def _field(f: Field) -> str:
    parts = [quote(f.name), f.type]
    if f.generated:
        parts.append(f.generated)
    if f.default is not None:
        parts.append(f"DEFAULT {f.default}")
    if not f.null:
        parts.append("NOT NULL")
    if f.check:
        parts.append(f"CHECK ({f.check})")
    if f.references:
        target, column = f.references
        parts.append(f"REFERENCES {target} ({quote(column)})")
    return " ".join(parts)


def with_tenant(table: Meant, column: Field) -> Meant:
    """The same table with a policy column, which leads every key and every index that equality looks up."""
    lead = column.name
    indexes = tuple(s if s.method != "btree" else replace(s, keys=(lead, *s.keys), name=s.name) for s in table.indexes)
    moved = replace(
        table,
        fields=(*table.fields, column),
        key=(lead, *table.key),
        unique=tuple((lead, *u) for u in table.unique),
        indexes=indexes,
        tenant_column=lead,
        listings=tuple(replace(item, equal=(lead, *item.equal)) for item in table.listings),
    )
    return relisted(moved)


def relisted(table: Meant) -> Meant:
    """The same table, each listing naming the index that serves it."""
    return replace(table, listings=tuple(_served(table, item) for item in table.listings))


def _served(table: Meant, item: Listing) -> Listing:
    if not item.either:
        return replace(item, index=serving(table, item))
    found = [serving(table, replace(item, equal=(*item.equal, column), either=())) for column in item.either]
    return replace(item, indexes=tuple(name for name in found if name))


def serving(table: Meant, item: Listing) -> str | None:
    """The index whose keys are the listing's equal columns (in any order) and then its order, or None."""
    ways: list[tuple[str, Sequence[str], str | None]] = [(table.key_name, table.key, None)]
    ways += [(table.index_name(s), s.keys, s.where) for s in table.indexes if s.method == "btree"]
    ways += [(joined(table.name.name, *u, "key"), u, None) for u in table.unique]
    for name, keys, _where in ways:
        plain = [k.removesuffix(" DESC") for k in keys]
        lead, rest = plain[: len(item.equal)], plain[len(item.equal) :]
        if set(lead) == set(item.equal) and tuple(rest[: len(item.order)]) == item.order:
            return name
    return None
