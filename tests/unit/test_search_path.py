"""Bare names after SET search_path."""

from __future__ import annotations

import pytest

from pgassay.model import Migration, Name, Transaction
from pgassay.model.actions import AddConstraint, CreateTable, Drop, Rename, TableAction
from pgassay.sql import parse
from pgassay.sql.search_path import resolved, sets_path

STANDING = {Name("app", "a"), Name("lib", "b"), Name("public", "c")}


def transaction(sql: str) -> Transaction:
    statements = parse(sql, "x.sql")
    return Transaction(migrations=(Migration(name="x", path="x.sql", text=sql, statements=statements),), mode="block")


def tables(sql: str) -> list[str]:
    """The tables that the actions of a text name, once its search path is followed."""
    found = resolved(transaction(sql), STANDING)
    return [str(a.table) for s in found.statements for a in s.actions if isinstance(a, TableAction)]


@pytest.mark.parametrize(
    ("path", "table", "means"),
    [
        ("SET search_path = app, lib", "a", "app.a"),
        ("SET search_path TO app, lib", "b", "lib.b"),
        ("SET LOCAL search_path = 'app'", "b", "app.b"),
        ("SET search_path = app, public", "c", "public.c"),
        ("SET search_path = app, lib", "other.a", "other.a"),
        ('SET search_path = "$user", app', "nowhere", "app.nowhere"),
        ("SET search_path = public", "a", "a"),
        ("SELECT pg_catalog.set_config('search_path', 'lib', false)", "b", "lib.b"),
        ("SELECT pg_catalog.set_config('search_path', '', false)", "b", "b"),
        ("SET search_path = app; RESET search_path", "a", "a"),
    ],
)
def test_a_bare_name(path: str, table: str, means: str) -> None:
    assert tables(f"{path}; ALTER TABLE {table} ADD COLUMN x int") == [means]


def test_what_is_made_goes_to_the_first_schema_and_is_found_there() -> None:
    assert tables("SET search_path = new, app; CREATE TABLE a (id int); ALTER TABLE a ADD x int") == ["new.a", "new.a"]


def test_an_index_is_made_where_its_table_is() -> None:
    assert tables("SET search_path = new, lib; CREATE INDEX i ON b (x)") == ["lib.b"]


def test_temporary_tables_are_in_no_schema() -> None:
    assert tables("SET search_path = app; CREATE TEMP TABLE t (id int); ALTER TABLE t ADD x int") == ["t", "t"]


def test_names_inside_of_actions() -> None:
    found = resolved(
        transaction(
            "SET search_path = app, lib; ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES b;"
            " ALTER TABLE a RENAME COLUMN x TO y;"
            " ALTER TABLE a RENAME TO z; ALTER TABLE z ADD w int; DROP TABLE b; DROP SCHEMA lib; DROP TRIGGER t ON z"
        ),
        STANDING,
    )
    actions = [a for s in found.statements for a in s.actions]
    (key,) = [a for a in actions if isinstance(a, AddConstraint)]
    assert key.constraint.references == Name("lib", "b")
    column, table = [a for a in actions if isinstance(a, Rename)]
    assert (column.old, column.within, table.old) == (Name(None, "x"), Name("app", "a"), Name("app", "a"))
    drops = [(str(a.names[0]), a.table) for a in actions if isinstance(a, Drop)]
    assert drops == [("lib.b", None), ("lib", None), ("t", Name("app", "z"))]


def test_only_who_sets_a_path_is_followed() -> None:
    assert not sets_path(transaction("SET work_mem = '1MB'; SELECT 1"))
    assert sets_path(transaction("SET search_path = a"))
    plain = transaction("CREATE TABLE a (id int)")
    (made,) = [a for s in resolved(plain, STANDING).statements for a in s.of(CreateTable)]
    assert made.table == Name(None, "a")
