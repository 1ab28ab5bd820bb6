"""The law of compare: no change if, and only if, two catalogs are equal."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.catalog import (
    Catalog,
    Column,
    Constraint,
    Domain,
    Enum,
    Grant,
    Index,
    Routine,
    Table,
    View,
    compare,
    model,
)
from pgassay.model import Name

APART = (Name, model.Object)  # what dependencies are made of does not count
CLASSES = [c for c in vars(model).values() if isinstance(c, type) and dataclasses.is_dataclass(c) and c not in APART]
FIELDS = [(c, f) for c in CLASSES for f in dataclasses.fields(c) if f.compare]


def full(hint: Any) -> Any:
    """A value of a type with everything in it: one object of each kind, nothing None."""
    if hint is Name:
        return Name("public", "t")
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return typing.cast(Any, hint)(**{f.name: full(hints[f.name]) for f in dataclasses.fields(hint)})
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return full(next(a for a in arguments if a is not type(None)))
    if origin is typing.Literal:
        return arguments[0]
    if origin is tuple:
        return tuple(full(a) for a in arguments if a is not Ellipsis)
    return {str: "a", int: 1, bool: False}[hint]


def altered(hint: Any) -> Any:
    """Another value of that type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None
    if origin is typing.Literal:
        return arguments[1]
    if origin is tuple and arguments[-1] is Ellipsis:
        return ()
    return {str: "b", int: 2, bool: True, Name: Name("other", "t")}[hint]


def with_altered(thing: Any, cls: type[Any], field: str) -> Any:
    """The same with that field altered in the first object of that class, however deep."""
    if thing.__class__ is cls:
        hint = typing.get_type_hints(cls)[field]
        return dataclasses.replace(thing, **{field: altered(hint)})
    for f in dataclasses.fields(thing):
        value = getattr(thing, f.name)
        if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            new = with_altered(value[0], cls, field)
            if new is not value[0]:
                return dataclasses.replace(thing, **{f.name: (new, *value[1:])})
    return thing


@pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{c.__name__}.{f.name}" for c, f in FIELDS])
def test_every_field_counts(cls: type, field: dataclasses.Field[Any]) -> None:
    before = full(Catalog)
    after = with_altered(before, cls, field.name)
    assert before != after
    assert compare(before, after)
    assert all("\n" not in str(change) for change in compare(before, after))


def test_what_does_not_count() -> None:
    ignored = {(c.__name__, f.name) for c in CLASSES for f in dataclasses.fields(c) if not f.compare}
    assert {name for _, name in ignored} == {"owner", "version", "dimensions", "dependencies", "sql", "defaults"}


def catalogs() -> st.SearchStrategy[Catalog]:
    names = st.sampled_from([Name("public", "a"), Name("public", "b")])
    words = st.sampled_from(["a", "b"])
    columns = st.builds(Column, name=words, type=words, base=words, category=words, not_null=st.booleans())
    constraints = st.builds(
        Constraint,
        name=words,
        kind=st.just("unique"),
        index=st.none() | words,
        definition=words,
        validated=st.booleans(),
    )
    indexes = st.builds(Index, name=words, method=words, keys=st.just(()), columns=st.just(()), definition=words)

    def some(things: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
        return st.lists(things, max_size=2).map(tuple)  # names may repeat: the law holds even then

    tables = st.builds(
        Table,
        name=names,
        columns=some(columns),
        constraints=some(constraints),
        indexes=some(indexes),
        rules=some(words),
    )
    routines = st.builds(
        Routine, name=names, arguments=words, kind=st.just("function"), result=words, language=words, definition=words
    )
    enums = st.builds(Enum, name=names, labels=some(words), comment=words)
    return st.builds(Catalog, tables=some(tables), routines=some(routines), enums=some(enums))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(catalogs(), catalogs())
def test_no_change_if_and_only_if_equal(before: Catalog, after: Catalog) -> None:
    assert (not compare(before, after)) == (before == after)
    assert compare(before, before) == ()


TOKEN = Name("public", "token")


def column(name: str, type: str = "text", **more: Any) -> Column:
    return Column(name=name, type=type, base=type, category="S", **more)


def lines(before: Any, after: Any) -> list[str]:
    """The changes between two tables (or other objects) in words."""
    kind = {Table: "tables", View: "views", Enum: "enums", Domain: "domains"}[type(before or after)]
    values: list[dict[str, Any]] = [{kind: (thing,) if thing else ()} for thing in (before, after)]
    old, new = (Catalog(**value) for value in values)
    return [str(change) for change in compare(old, new)]


def table(*columns: Column, **more: Any) -> Table:
    return Table(name=TOKEN, columns=columns, **more)


def test_type() -> None:
    old, new = table(column("symbol")), table(column("symbol", "character varying(10)"))
    assert lines(old, new) == ["column public.token.symbol: type text → varchar(10)"]


def test_types_by_the_names_that_people_use() -> None:
    old, new = table(column("at", "timestamp without time zone")), table(column("at", "timestamp(3) with time zone[]"))
    assert lines(old, new) == ["column public.token.at: type timestamp → timestamptz(3)[]"]


def test_column_added() -> None:
    assert lines(table(), table(column("a", not_null=True))) == ["column public.token.a: added (text not null)"]


def test_column_order() -> None:
    old, new = table(column("a"), column("b")), table(column("b"), column("a"))
    assert lines(old, new) == ["table public.token: column order a, b → b, a"]


def test_table_removed_is_one_change() -> None:
    assert lines(table(column("a")), None) == ["table public.token: removed"]


def test_constraint_and_its_index_are_one_change() -> None:
    unique = Constraint(name="u", kind="unique", definition="UNIQUE (a)", index="u")
    index = Index(name="u", method="btree", keys=("a",), columns=("a",), constraint="u")
    old, new = table(), table(constraints=(unique,), indexes=(index,))
    assert lines(old, new) == ["constraint public.token.u: added (UNIQUE (a))"]


def test_flag() -> None:
    assert lines(table(), table(row_security=True)) == ["table public.token: row security no → yes"]


def test_grants() -> None:
    grants = (
        Grant(grantee="app", privileges=("SELECT",)),
        Grant(grantee="web", privileges=("UPDATE",), columns=("a",)),
    )
    assert lines(table(), table(grants=grants)) == [
        "table public.token: grants none → SELECT to app; UPDATE (a) to web"
    ]


def test_weird_names_are_quoted() -> None:
    assert lines(table(), table(column('A "b"'))) == ['column public.token."A ""b""": added (text)']


def test_a_long_definition_is_shown_where_it_parts() -> None:
    query = "SELECT " + ", ".join(f"column_{n}" for n in range(60))
    (line,) = lines(View(name=TOKEN, definition=query), View(name=TOKEN, definition=query + ", other"))
    assert line.endswith("→ …olumn_57, column_58, column_59, other")
    assert len(line) < 300


def test_white_space_shows() -> None:
    (line,) = lines(View(name=TOKEN, definition="SELECT 1"), View(name=TOKEN, definition="SELECT  1"))
    assert line == "view public.token: definition 'SELECT 1' → 'SELECT  1'"


def test_lookup_of_types() -> None:
    catalog = Catalog(
        enums=(Enum(name=Name("public", "Colour"), labels=("r",)), Enum(name=Name("a", "text"), labels=()))
    )
    assert catalog.enum('public."Colour"') == catalog.enums[0]
    assert catalog.enum('public."Colour"[]') is catalog.enum("text") is None
