"""Other ways to ask: found, tried, and told only where the rows are the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.advisor import Ground, Query, advise
from pgassay.server import Server
from tests.postgres.advising import advice_for, ground

_SCRIPT = """
CREATE TABLE wallets (id bigint PRIMARY KEY, owner text NOT NULL, seen_at timestamptz NOT NULL, tags text[] NOT NULL);
CREATE TABLE moves (id bigint PRIMARY KEY, wallet bigint NOT NULL, token integer NOT NULL, at timestamptz NOT NULL,
  note text, amount bigint NOT NULL);
INSERT INTO wallets SELECT i, 'o' || i % 900, timestamptz '2024-01-01' + i * interval '5 min', ARRAY['t' || i % 500]
  FROM generate_series(1, 20000) i;
INSERT INTO moves SELECT i, (i * 7919::bigint) % 15000, i % 30, timestamptz '2024-01-01' + i * interval '1 min', NULL, i
  FROM generate_series(1, 60000) i;
CREATE TABLE notes (id bigint PRIMARY KEY, body text NOT NULL);
INSERT INTO notes SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 20000) i
"""


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[Ground]:
    with ground(server, _SCRIPT) as made:
        yield made


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("not-in", "SELECT id FROM wallets WHERE id < 50 AND id NOT IN (SELECT wallet FROM moves)"),
        ("array-any", "SELECT id FROM wallets WHERE 't7' = ANY (tags)"),
        ("date-function", "SELECT count(*) FROM moves WHERE date_trunc('day', at) = '2024-01-20'"),
        ("date-function", "SELECT count(*) FROM moves WHERE at::date = '2024-01-20'"),
        ("column-arithmetic", "SELECT count(*) FROM moves WHERE at + interval '1 day' > '2024-02-11'"),
        ("cast-on-column", "SELECT owner FROM wallets WHERE id = 4711.0"),
        ("offset-to-keyset", "SELECT id, at FROM moves ORDER BY at, id LIMIT 10 OFFSET 40000"),
        ("latest-by-key", "SELECT DISTINCT ON (token) token, at, amount FROM moves ORDER BY token, at DESC"),
        ("count-for-existence", "SELECT count(*) > 0 FROM moves WHERE amount > 10"),
        (
            "date-function",
            "SELECT count(*) FROM moves WHERE to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') = '2024-01-20'",
        ),
        ("position-to-like", "SELECT count(*) FROM notes WHERE position('c81e728d9d' in body) > 0"),
        ("ilike-to-lower", "SELECT id FROM wallets WHERE owner ILIKE 'O77'"),
        (
            "or-to-union",
            "SELECT m.id FROM moves m JOIN wallets w ON w.id = m.wallet WHERE m.amount = 77 OR w.owner = 'o77'",
        ),
    ],
)
def test_a_better_way_to_ask_is_told(world: Ground, rule: str, sql: str) -> None:
    (found,) = advice_for(world, [sql]).rewrites
    assert (found.rule, found.same) == (rule, True)
    assert found.gain > 1.3


def test_a_rewrite_that_returns_other_rows_is_not_told(world: Ground) -> None:
    # One NULL makes NOT IN empty, and NOT EXISTS not.
    world.session.run("INSERT INTO moves VALUES (0, 0, 0, now(), NULL, 0)")
    sql = "SELECT id FROM wallets WHERE owner NOT IN (SELECT note FROM moves WHERE id < 5)"
    assert not [r for r in advice_for(world, [sql]).rewrites if r.rule == "not-in"]


def test_a_rewrite_is_the_same_for_all_parameters(world: Ground) -> None:
    # With a day that the session's time zone cuts as UTC does it is the same; with a NULL note it is not.
    text = "SELECT id FROM wallets WHERE id < 50 AND owner NOT IN (SELECT note FROM moves WHERE id < $1)"
    forms = tuple(text.replace("$1", n) for n in ("0", "5"))
    query = Query(number=1, text=text, forms=forms, kind="select")
    try:
        assert not [r for r in advise(world, [query], seconds=10).rewrites if r.rule == "not-in"]
    finally:
        world.clear()


def test_fewer_columns_are_told_as_such(world: Ground) -> None:
    sql = "SELECT * FROM moves WHERE token = 7 ORDER BY at LIMIT 2000"
    found = [r for r in advice_for(world, [sql]).rewrites if r.rule == "select-star"]
    assert [r.same for r in found] == [None]
