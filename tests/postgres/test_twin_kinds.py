"""Columns of every kind of type: statistics leave, a ghost gets them, made-up rows follow them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.catalog import column_statistics, read
from pgassay.model import Name
from pgassay.server import OWNER, Connection, Server
from pgassay.twin import fill
from pgassay.twin.export import export
from pgassay.twin.ghost import ghost

SCHEMA = """
CREATE TYPE level AS ENUM ('low', 'high');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN code AS text CHECK (length(value) < 30);
CREATE DOMAIN labels AS text[];
CREATE TYPE reals AS RANGE (subtype = float8);
CREATE TABLE kinds (
    id bigint PRIMARY KEY, texts text[], unique_texts text[], ints integer[] NOT NULL, levels level[], pairs pair[],
    numerics numeric(10,2)[], square text[][], dates date[], bodies jsonb[], ranges int4range[], codes code[],
    labels labels, document json, body jsonb NOT NULL, level level NOT NULL, code code, span int4range,
    period tstzrange, spans int4multirange, own reals, pair pair, words tsvector, query tsquery, address inet,
    bits bit(4), money money, spot point, raw bytea, key uuid, letter "char", name name, time timetz, wait interval);
"""
ROWS = """
INSERT INTO kinds SELECT i, ARRAY['t' || i % 3, 'u,"' || i % 2], ARRAY['x' || i], ARRAY[i % 5, i % 2],
    ARRAY['low', 'high']::level[], ARRAY[ROW(i % 3, 'x y')::pair], ARRAY[i % 4 + 0.5], ARRAY[ARRAY['a', 'b' || i % 3]],
    ARRAY['2024-01-01'::date + i % 3], ARRAY[jsonb_build_object('a', i % 3)], ARRAY[int4range(1, 5 + i % 2)],
    ARRAY['z' || i]::code[], ARRAY['l' || i], '{"a": 1}', jsonb_build_object('k', i),
    CASE WHEN i % 9 = 0 THEN 'low' ELSE 'high' END::level, 'c' || i, int4range(i % 10, i % 10 + 5),
    tstzrange('2024-01-01'::timestamptz + i % 20 * interval '1 day', '2025-01-01'),
    int4multirange(int4range(i % 4, i % 4 + 2)), reals(i % 3, i % 3 + 1.5), ROW(i % 700, 'it''s')::pair,
    to_tsvector('simple', 'w' || i % 5), to_tsquery('simple', 'w' || i % 5), ('10.0.0.' || i % 200)::inet,
    (i % 16)::bit(4), (i % 9)::money, point(i, 1), ('x' || i)::bytea, md5(i::text)::uuid, 'q', 'n' || i % 3,
    '10:00+02', i * interval '1 hour'
FROM generate_series(1, 1500) i
"""


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    with server.database() as name:
        with server.connect(name) as session:
            session.run(SCHEMA + ROWS)
            session.run("VACUUM ANALYZE kinds")
        yield f"postgresql://{OWNER}@/{name}?host={server.sockets}"


@pytest.mark.parametrize("values", [True, False])
def test_statistics_of_every_kind_reach_a_ghost(server: Server, url: str, values: bool) -> None:
    made = export(url, values=values)
    known = {a.name for a in made.attributes}
    with ghost(server, made) as twin:
        assert twin.unmade == ()
        assert known == {
            row[0]
            for row in twin.admin.run(
                "SELECT attname FROM pg_attribute a JOIN pg_statistic s ON starelid = attrelid AND staattnum = attnum"
                " WHERE attrelid = 'public.kinds'::regclass"
            )
        }
        planned = twin.explain("SELECT * FROM kinds WHERE texts = ARRAY['t1', 'u,\"0'] OR ints @> ARRAY[4]")
        assert planned["Plan"]["Plan Rows"] > 0
    server.drop(twin.database)


def test_rows_follow_the_statistics_of_every_kind(server: Server, url: str, connection: Connection) -> None:
    connection.run(SCHEMA)
    with server.connect(url.split("/")[3].partition("?")[0]) as original:
        known = column_statistics(original)
    made = fill(connection, read(connection), rows=1500, statistics=known)
    assert made.unfilled == () and made.rows[Name("public", "kinds")] == 1500
    levels = connection.run("SELECT texts[1], count(*) FROM kinds GROUP BY 1 ORDER BY 1")
    assert [row[0] for row in levels] == ["t0", "t1", "t2"] and all(400 < int(row[1]) < 600 for row in levels)
    assert connection.value("SELECT count(*) FROM kinds WHERE labels[1] ~ '^l[0-9]+$'") == "1500"
