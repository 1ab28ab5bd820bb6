"""Queries as applications send them: the advisor's indexes against those that a careful expert would create."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.advisor import Ground
from pgassay.server import Server, install
from tests.postgres.advising import advice_for, ground, pages_with

_SCRIPT = """
CREATE TABLE accounts (id bigint PRIMARY KEY, tenant integer NOT NULL, email text NOT NULL, name text NOT NULL,
  phone text, profile jsonb NOT NULL, deleted_at timestamptz, created_at timestamp NOT NULL);
CREATE TABLE jobs (id bigint PRIMARY KEY, queue text NOT NULL, status text NOT NULL, run_at timestamptz NOT NULL,
  payload text NOT NULL);
CREATE TABLE transfers (id bigint PRIMARY KEY, account bigint NOT NULL, token integer NOT NULL, at timestamptz NOT NULL,
  amount numeric(78,0) NOT NULL, tags text[] NOT NULL, settled_at timestamptz);
INSERT INTO accounts SELECT i, i % 200, 'User' || i || '@Example.org', 'name ' || md5(i::text),
  CASE WHEN i % 4 = 0 THEN '+49' || i END,
  jsonb_build_object('plan', CASE WHEN i % 50 = 0 THEN 'pro' ELSE 'free' END, 'ref', md5((i % 8000)::text)),
  CASE WHEN i % 100 = 0 THEN timestamptz '2024-03-01' END, timestamp '2024-01-01' + i * interval '7 min'
  FROM generate_series(1, 60000) i;
INSERT INTO jobs SELECT i, 'q' || i % 4, CASE WHEN i % 300 = 0 THEN 'waiting' ELSE 'done' END,
  timestamptz '2024-01-01' + i * interval '20 s', repeat(md5(i::text), 3) FROM generate_series(1, 60000) i;
INSERT INTO transfers SELECT i, (i::bigint * 7919) % 6000, i % 40,
  timestamptz '2024-01-01' + i * interval '30 s', i * 1000,
  ARRAY['t' || i % 700, 'all'], CASE WHEN i % 400 <> 0 THEN timestamptz '2024-06-01' END
  FROM generate_series(1, 100000) i;
"""

_CASES = {
    "login": (
        "SELECT id, name FROM accounts WHERE lower(email) = 'user4242@example.org'",
        ["CREATE INDEX ON accounts (lower(email))"],
    ),
    "work queue": (
        "SELECT id, payload FROM jobs WHERE status = 'waiting' ORDER BY run_at LIMIT 10",
        ["CREATE INDEX ON jobs (run_at) WHERE status = 'waiting'"],
    ),
    "tenant feed": (
        "SELECT id, name FROM accounts WHERE tenant = 42 ORDER BY created_at DESC, id DESC LIMIT 20",
        ["CREATE INDEX ON accounts (tenant, created_at DESC, id DESC)"],
    ),
    "mixed directions": (
        "SELECT id, amount FROM transfers WHERE token = 7 ORDER BY amount DESC, id LIMIT 20",
        ["CREATE INDEX ON transfers (token, amount DESC, id)"],
    ),
    "containment": (
        'SELECT id FROM accounts WHERE profile @> \'{"ref": "28dd2c7955ce926456240b2ff0100bde"}\'',
        ["CREATE INDEX ON accounts USING gin (profile jsonb_path_ops)"],
    ),
    "json text": (
        "SELECT id, name FROM accounts WHERE profile ->> 'ref' = '28dd2c7955ce926456240b2ff0100bde'",
        ["CREATE INDEX ON accounts ((profile ->> 'ref'))"],
    ),
    "substring": (
        "SELECT id, name FROM accounts WHERE name ILIKE '%28dd2c%'",
        ["CREATE INDEX ON accounts USING gin (name gin_trgm_ops)"],
    ),
    "prefix": (
        "SELECT id, email FROM accounts WHERE email LIKE 'User4242%'",
        ["CREATE INDEX ON accounts (email text_pattern_ops)"],
    ),
    "time range": (
        "SELECT token, sum(amount) FROM transfers WHERE at >= '2024-01-20' AND at < '2024-01-21' GROUP BY token",
        ["CREATE INDEX ON transfers (at)"],
    ),
    "backlog": (
        "SELECT id, account FROM transfers WHERE settled_at IS NULL ORDER BY at LIMIT 50",
        ["CREATE INDEX ON transfers (at) WHERE settled_at IS NULL"],
    ),
    "covering aggregate": (
        "SELECT sum(amount) FROM transfers WHERE account = 77",
        ["CREATE INDEX ON transfers (account) INCLUDE (amount)"],
    ),
    "latest each": (
        "SELECT DISTINCT ON (account) account, at, amount FROM transfers WHERE account IN (5, 50, 500)"
        " ORDER BY account, at DESC",
        ["CREATE INDEX ON transfers (account, at DESC) INCLUDE (amount)"],
    ),
    "or": (
        "SELECT id, email FROM accounts WHERE phone = '+494444' OR email = 'User77@Example.org'",
        ["CREATE INDEX ON accounts (phone)", "CREATE INDEX ON accounts (email)"],
    ),
    "date function": (
        "SELECT count(*) FROM accounts WHERE date_trunc('day', created_at) = timestamp '2024-05-05'",
        ["CREATE INDEX ON accounts (date_trunc('day', created_at))"],
    ),
    "anti-join": (
        "SELECT a.id FROM accounts a WHERE a.tenant = 7"
        " AND NOT EXISTS (SELECT FROM transfers t WHERE t.account = a.id AND t.token = 3)",
        ["CREATE INDEX ON accounts (tenant, id)", "CREATE INDEX ON transfers (account, token)"],
    ),
    "array": (
        "SELECT id, amount FROM transfers WHERE tags @> ARRAY['t77']",
        ["CREATE INDEX ON transfers USING gin (tags)"],
    ),
    "keyset": (
        "SELECT id, at FROM transfers WHERE token = 3 AND (at, id) < ('2024-01-25', 90000)"
        " ORDER BY at DESC, id DESC LIMIT 25",
        ["CREATE INDEX ON transfers (token, at, id)"],
    ),
}


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[Ground]:
    with ground(server, _SCRIPT) as made:
        install(server, made.database, "pg_trgm")
        yield made


@pytest.mark.parametrize("case", _CASES)
def test_an_expert_does_no_better(world: Ground, case: str) -> None:
    sql, expert = _CASES[case]
    advice = advice_for(world, [sql])
    (change,) = advice.changes
    assert change.before is not None
    assert change.after is not None
    assert change.gain > 3, advice.recommendations
    assert change.after.buffers <= 1.3 * pages_with(world, expert, sql) + 2, advice.recommendations
