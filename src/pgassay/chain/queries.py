"""The reads that a design serves, as SQL: one row by a key, and pages by keyset. None needs OFFSET or a count.

A page is asked for by where it begins, not by its number, so page 100,000 costs what page 1 costs
(https://use-the-index-luke.com/no-offset). Parameters are written ``:name``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pgassay.catalog import Catalog, Column, Table
from pgassay.chain.model import Design, Listing
from pgassay.model import Name, quote

Way = Literal["first", "after", "before"]
LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A parameter: its name and the column that its value is compared with."""

    name: str
    column: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A read of ``table``. A page has an ``order``; one row has none. ``either`` are columns of which one must have the
    value of ``side``. ``where`` is a further condition, as SQL."""

    name: str
    purpose: str
    table: Table
    given: tuple[Given, ...] = ()
    side: Given | None = None
    either: tuple[Column, ...] = ()
    order: tuple[Column, ...] = ()
    descending: bool = True
    where: str | None = None

    @property
    def parameters(self) -> tuple[Given, ...]:
        """What a caller has to give."""
        return (*self.given, *((self.side,) if self.side else ()))


def queries(design: Design, catalog: Catalog) -> tuple[Query, ...]:
    """Every read of the design, by name: rows by their keys, then the listings. ``catalog``: of the design, applied."""
    schema = design.settings.schema
    found: dict[str, Query] = {}
    for designed in design.tables:
        table = catalog.table(Name(schema, designed.name))
        if table is not None:
            found |= {q.name: q for q in _by_keys(table)}
    for listing in design.listings:
        table = catalog.table(Name(schema, listing.table))
        if table is not None:
            found[listing.name] = _page(listing, table)
    return tuple(found.values())


def sql(query: Query, way: Way = "first", *, qualified: bool = True) -> str:
    """The statement of a page, or of one row. ``before`` gives a page's rows in the opposite order."""
    if not query.order:
        return f"SELECT {_columns(query.table)}\nFROM {_name(query, qualified)}\nWHERE {_all(_equal(query))}"
    if not query.either:
        return _keyset(query, way, _equal(query), qualified)
    branches = []
    for number, column in enumerate(query.either):
        assert query.side is not None
        conditions = [*_equal(query), f"{quote(column.name)} = :{query.side.name}"]
        conditions += [f"{quote(c.name)} IS DISTINCT FROM :{query.side.name}" for c in query.either[:number]]
        branches.append("(" + _keyset(query, way, conditions, qualified) + ")")
    union = "\nUNION ALL\n".join(branches)
    return f"SELECT {_columns(query.table)}\nFROM (\n{union}\n) AS sides\n{_ordered(query, way)}\nLIMIT :{LIMIT}"


def place(column: Column) -> str:
    """The name of the parameter that says where a page begins, in one column of its order."""
    return f"at_{column.name}"


def _by_keys(table: Table) -> Iterator[Query]:
    for constraint in table.constraints:
        if constraint.kind in ("primary key", "unique") and not constraint.deferrable:
            columns = tuple(c for name in constraint.columns if (c := table.column(name)) is not None)
            tail = "" if constraint.kind == "primary key" else f"_by_{'_and_'.join(constraint.columns)}"
            yield Query(
                name=f"{table.name.name}_get{tail}",
                purpose=f"one row of {table.name.name} by {', '.join(constraint.columns)}",
                table=table,
                given=tuple(Given(name=c.name, column=c) for c in columns),
            )


def _page(listing: Listing, table: Table) -> Query:
    def columns(names: tuple[str, ...]) -> tuple[Column, ...]:
        found = [table.column(name) for name in names]
        assert all(found), f"{listing.name} names a column that {table.name} lacks"
        return tuple(c for c in found if c is not None)

    either = columns(listing.either)
    return Query(
        name=listing.name,
        purpose=listing.purpose,
        table=table,
        given=tuple(Given(name=c.name, column=c) for c in columns(listing.equal)),
        side=Given(name="account", column=either[0]) if either else None,
        either=either,
        order=columns(listing.order),
        descending=listing.descending,
        where=listing.where,
    )


def _keyset(query: Query, way: Way, conditions: list[str], qualified: bool) -> str:
    if way != "first":
        sign = "<" if query.descending == (way == "after") else ">"
        here = [quote(c.name) for c in query.order]
        there = [f"CAST(:{place(c)} AS {_cast(c)})" for c in query.order]
        many = len(here) > 1
        conditions = [
            *conditions,
            f"({', '.join(here)}) {sign} ({', '.join(there)})" if many else f"{here[0]} {sign} {there[0]}",
        ]
    where = f"\nWHERE {_all(conditions)}" if conditions else ""
    select = f"SELECT {_columns(query.table)}\nFROM {_name(query, qualified)}{where}"
    return f"{select}\n{_ordered(query, way)}\nLIMIT :{LIMIT}"


def _ordered(query: Query, way: Way) -> str:
    down = " DESC" if query.descending != (way == "before") else ""
    return "ORDER BY " + ", ".join(f"{quote(c.name)}{down}" for c in query.order)


def _equal(query: Query) -> list[str]:
    found = [f"{quote(g.column.name)} = :{g.name}" for g in query.given]
    return [*found, f"({query.where})"] if query.where else found


def _all(conditions: list[str]) -> str:
    return "\n  AND ".join(conditions)


def _columns(table: Table) -> str:
    return ", ".join(quote(c.name) for c in table.columns)


def _name(query: Query, qualified: bool) -> str:
    return str(query.table.name if qualified else Name(None, query.table.name.name))


def _cast(column: Column) -> str:
    """The type that a place in the order is read as, behind domains."""
    return column.base if column.base != "bpchar" else "text"
