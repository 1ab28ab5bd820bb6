"""What is not an index of its own: extended statistics, unique indexes, indexes that can go, foreign keys' lookups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pgassay.advisor import Ground, advise
from pgassay.advisor.echo import with_echoes
from pgassay.advisor.model import Usage
from pgassay.model import Name
from pgassay.server import Server
from tests.postgres.advising import advice_for, ground, query

_SCRIPT = """
CREATE TABLE cars (id bigint PRIMARY KEY, make integer NOT NULL, model integer NOT NULL, owner integer NOT NULL,
  plate text NOT NULL, pad text NOT NULL);
CREATE TABLE garages (id integer PRIMARY KEY, city text NOT NULL);
CREATE TABLE repairs (id bigint PRIMARY KEY, garage integer NOT NULL REFERENCES garages ON DELETE CASCADE,
  at timestamptz NOT NULL, state text NOT NULL);
INSERT INTO cars SELECT i, i % 200, i % 200 * 10, (i * 7919::bigint) % 3000 + 1, 'ZH ' || i, repeat('y', 60)
  FROM generate_series(1, 60000) i;
INSERT INTO garages SELECT i, 'c' || i FROM generate_series(1, 2000) i;
INSERT INTO repairs SELECT i, 1 + i % 2000, timestamptz '2024-01-01Z' + i * interval '1 min',
  CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END FROM generate_series(1, 60000) i;
CREATE TABLE trips (id bigint PRIMARY KEY, owner integer NOT NULL, km integer NOT NULL);
INSERT INTO trips SELECT i, i % 2000, i % 90 FROM generate_series(1, 60000) i;
CREATE INDEX trips_owner_idx ON trips (owner);
CREATE INDEX cars_make_idx ON cars (make);
CREATE INDEX cars_make_model_idx ON cars (make, model);
CREATE INDEX repairs_state_idx ON repairs (state);
CREATE VIEW open_repairs AS SELECT r.id, r.at AS since, g.city FROM repairs r JOIN garages g ON g.id = r.garage
  WHERE r.state = 'open'
"""


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[Ground]:
    with ground(server, _SCRIPT) as made:
        yield made


def test_columns_that_go_together_get_statistics(world: Ground) -> None:
    sql = "SELECT sum(t.km) FROM cars c JOIN trips t ON t.owner = c.owner WHERE c.make = 7 AND c.model = 70"
    advice = advice_for(world, [sql], kinds=frozenset({"statistics"}))
    (found,) = advice.recommendations
    assert (found.kind, found.after) == ("create statistics", ("ANALYZE public.cars",))
    assert found.queries[0][1] > 1.3


def test_columns_that_do_not_get_none(world: Ground) -> None:
    sql = "SELECT count(*) FROM cars WHERE make = 7 AND owner = 70"
    assert advice_for(world, [sql], kinds=frozenset({"statistics"})).recommendations == ()


def test_a_delete_is_quick_with_an_index_on_the_foreign_key(world: Ground) -> None:
    one = replace(query("DELETE FROM garages WHERE id = 77"), target=Name("public", "garages"))
    try:
        advice = advise(world, [one], seconds=10)
    finally:
        world.clear()
    (found,) = [r for r in advice.recommendations if r.kind == "create index"]
    assert "ON public.repairs (garage)" in found.sql
    whole = next(c for c in advice.changes if c.form == 0)
    assert whole.before is not None
    assert whole.after is not None
    assert whole.after.cpu_ms < whole.before.cpu_ms


def test_a_view_is_read_as_what_it_is_made_of(world: Ground) -> None:
    advice = advice_for(world, ["SELECT id, city FROM open_repairs ORDER BY since LIMIT 5"])
    assert any("ON public.repairs (at" in r.sql and "state = 'open'" in r.sql for r in advice.recommendations)


def test_an_index_that_another_covers_can_go(world: Ground) -> None:
    advice = advice_for(world, ["SELECT id FROM cars WHERE make = 3"], kinds=frozenset({"drop"}))
    assert [r.name for r in advice.recommendations] == ["cars_make_idx"]


@pytest.mark.parametrize(("scans", "gone"), [(50_000, {"cars_make_idx", "repairs_state_idx"}), (10, {"cars_make_idx"})])
def test_an_index_that_was_never_used_can_go_where_others_were(world: Ground, scans: int, gone: set[str]) -> None:
    indexes = {"cars_make_model_idx": scans, "repairs_state_idx": 0, "cars_make_idx": scans}
    world.usage = Usage(scans={Name("public", n): s for n, s in indexes.items()}, bytes={}, since="2026-01-01")
    try:
        advice = advice_for(world, ["SELECT id FROM cars WHERE make = 3"], kinds=frozenset({"drop"}))
    finally:
        world.usage = None
    assert {r.name for r in advice.recommendations} == gone


def test_an_index_that_the_workload_uses_stays_however_it_was_counted(world: Ground) -> None:
    indexes = {"cars_make_model_idx": 50_000, "repairs_state_idx": 0}
    world.usage = Usage(scans={Name("public", n): s for n, s in indexes.items()}, bytes={}, since="2026-01-01")
    try:
        advice = advice_for(world, ["SELECT id FROM repairs WHERE state = 'open'"], kinds=frozenset({"drop"}))
    finally:
        world.usage = None
    assert "repairs_state_idx" not in {r.name for r in advice.recommendations}


def test_a_unique_index_is_named_where_the_rows_allow_it(world: Ground) -> None:
    found = advice_for(world, ["SELECT id FROM cars WHERE plate = 'ZH 4711'"]).recommendations[0]
    assert any("UNIQUE" in note for note in found.notes)
    (made,) = advice_for(
        world, ["SELECT id FROM cars WHERE plate = 'ZH 4711'"], kinds=frozenset({"btree", "unique"})
    ).recommendations
    assert made.sql.startswith("CREATE UNIQUE INDEX")


def test_on_made_up_rows_a_value_that_is_nowhere_gets_an_echo(world: Ground) -> None:
    sql = "SELECT sum(km) FROM trips t JOIN cars c ON c.owner = t.owner WHERE c.plate = 'not a plate'"
    world.kind = "synthetic"
    try:
        echoed = with_echoes(query(sql), world, world.world()).forms
    finally:
        world.kind = "copied"
    assert len(echoed) == 2
    assert "c.plate = 'ZH " in echoed[1]
    assert with_echoes(query(sql), world, world.world()).forms == (sql,)
