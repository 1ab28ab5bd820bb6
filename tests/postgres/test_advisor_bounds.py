"""What an index may hold: nothing that could one day be too long for it, nothing that gains little."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.advisor import Ground
from pgassay.advisor.bounds import longest
from pgassay.model import Name
from pgassay.server import Server
from tests.postgres.advising import advice_for, ground

_SCRIPT = """
CREATE DOMAIN address AS text CHECK (VALUE ~ '^0x[0-9a-f]{40}$');
CREATE TABLE things (id integer PRIMARY KEY, login varchar(100) NOT NULL, nick text, owner address, amount numeric,
  settings jsonb, marks text[], iso char(3), zip text CHECK (char_length(zip) <= 10), body text NOT NULL,
  kind smallint NOT NULL, parent integer, long varchar(2000));
INSERT INTO things SELECT i, 'Login' || i, 'nick' || i, '0x' || repeat(lpad(to_hex(i % 256), 2, '0'), 20), i, '{}',
  '{}', 'CHF', '8000', repeat(md5(i::text), 8), i % 40, CASE WHEN i % 3 = 0 THEN i / 3 END, 'x'
  FROM generate_series(1, 40000) i
"""


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[Ground]:
    with ground(server, _SCRIPT) as made:
        yield made


def test_what_says_how_long_a_value_gets(world: Ground) -> None:
    catalog = world.catalog()
    table = catalog.table(Name("public", "things"))
    assert table is not None
    found = {c.name: longest(table, c, catalog) for c in table.columns}
    assert (found["login"], found["owner"], found["iso"], found["zip"], found["long"]) == (100, 42, 3, 10, 2000)
    assert {n for n, size in found.items() if size is None} == {"nick", "settings", "marks", "body"}


@pytest.mark.parametrize("column", ["settings", "nick", "marks", "long", "body"])
def test_what_has_no_bound_is_not_carried_along(world: Ground, column: str) -> None:
    advice = advice_for(world, [f"SELECT id, {column} FROM things WHERE lower(login) = 'login77'"])
    (found,) = [r for r in advice.recommendations if r.kind == "create index"]
    assert f"{column}" not in found.sql.partition("ON public.things")[2]
    assert found.after == ("ANALYZE public.things",)


def test_a_long_text_is_no_key(world: Ground) -> None:
    advice = advice_for(world, ["SELECT id FROM things WHERE body = 'x' ORDER BY body"])
    assert not any("body" in r.sql and "USING hash" not in r.sql for r in advice.recommendations)
    assert any(r.sql == "CREATE INDEX ON public.things (body)" for r in advice.refused)


def test_a_list_of_rows_is_looked_up_column_by_column(world: Ground) -> None:
    advice = advice_for(world, ["SELECT id, body FROM things WHERE (parent, kind) IN ((77, 3), (78, 4))"])
    assert any(r.sql.endswith(("(parent)", "(parent, kind)")) for r in advice.recommendations)


def test_the_nulls_of_an_anti_join_are_no_condition(world: Ground) -> None:
    sql = "SELECT a.id FROM things a LEFT JOIN things b ON b.parent = a.id WHERE a.id < 2000 AND b.id IS NULL"
    advice = advice_for(world, [sql])
    assert any("ON public.things (parent" in r.sql for r in advice.recommendations)
    assert not any("IS NULL" in r.sql for r in advice.recommendations)
