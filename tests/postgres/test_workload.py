"""Statements and values on a real server, with real statistics: whatever is chosen can be planned."""

# ruff: noqa: E501 (a statement a line)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.catalog import column_statistics
from pgassay.server import OWNER, SUPERUSER, Connection, Server, connect_live, scratch
from pgassay.sql.normalise import fill, normalise
from pgassay.workload import Query, read_measured, read_workload, settle

SCHEMA = """
CREATE TYPE state AS ENUM ('open', 'paid', 'void');
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x[0-9a-f]{40}$');
CREATE TABLE account (id uuid PRIMARY KEY, email text NOT NULL, wallet address, tags text[], doc jsonb, born date);
CREATE TABLE "Order" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "accountId" uuid REFERENCES account,
  state state NOT NULL, amount numeric(78,0), note text, at timestamptz NOT NULL, score real, gone boolean);
CREATE VIEW open_order AS SELECT o.id AS number, o."accountId" AS who, a.email FROM "Order" o JOIN account a ON
  a.id = o."accountId" WHERE o.state = 'open';
INSERT INTO account SELECT md5(i::text)::uuid, 'User' || i || '@example.org', '0x' || lpad(to_hex(i * 7919), 40, 'a'),
  ARRAY['t' || i % 5, 'x'], jsonb_build_object('kind', 'k' || i % 4, 'n', i % 10), date '1980-01-01' + i
  FROM generate_series(1, 2000) i;
INSERT INTO "Order" ("accountId", state, amount, note, at, score, gone) SELECT md5((i % 2000 + 1)::text)::uuid,
  (ARRAY['open', 'paid', 'void']::state[])[1 + (i % 10 > 0)::int + (i % 97 = 0)::int], i * 10::numeric ^ 18,
  CASE WHEN i % 3 = 0 THEN 'note ' || i END, timestamptz '2024-01-01' + i * interval '1 hour', i % 50, i % 2 = 0
  FROM generate_series(1, 10000) i;
ANALYZE;
"""

# As pg_stat_statements has them; all of them must be planned with several sets of values.
STATEMENTS = {
    "equal": 'SELECT * FROM "Order" WHERE state = $1 AND "accountId" = $2 ORDER BY at DESC LIMIT $3',
    "range": 'SELECT count(*) FROM "Order" WHERE at >= $1 AND at < $2',
    "between": 'SELECT * FROM "Order" WHERE amount BETWEEN $1 AND $2',
    "keyset": 'SELECT * FROM "Order" WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3',
    "offset": 'SELECT * FROM "Order" ORDER BY at LIMIT $1 OFFSET $2',
    "list": 'SELECT * FROM "Order" WHERE id IN ($1, $2, $3) OR state IN ($4 /*, ... */)',
    "any": 'SELECT * FROM "Order" WHERE id = ANY($1) AND state = ANY($2)',
    "like": "SELECT * FROM account WHERE email LIKE $1 OR email ILIKE '%' || $2 || '%' OR email ~ $3",
    "lower": "SELECT * FROM account WHERE lower(email) = lower($1)",
    "document": "SELECT doc ->> $1 FROM account WHERE doc ->> 'kind' = $2 AND doc @> $3 AND doc ? $4 AND doc -> $5 IS NOT NULL",
    "path": "SELECT doc #>> $1 FROM account WHERE (doc ->> $2)::int > $3",
    "array": "SELECT * FROM account WHERE $1 = ANY(tags) AND tags @> $2 AND tags && ARRAY[$3]",
    "domain": "SELECT * FROM account WHERE wallet = $1 OR wallet IN ($2, $3)",
    "interval": 'SELECT * FROM "Order" WHERE at > now() - interval $1 AND at < $2::date + $3',
    "extract": 'SELECT extract($1 FROM at) FROM "Order" WHERE extract($2 FROM at) = $3',
    "grouped": 'SELECT date_trunc($1, at), sum(amount) FROM "Order" WHERE gone = $2 GROUP BY date_trunc($3, at) ORDER BY date_trunc($4, at)',
    "case": 'SELECT CASE WHEN score > $1 THEN $2 ELSE $3 END, count(*) FROM "Order" GROUP BY 1 HAVING count(*) > $4',
    "optional": 'SELECT * FROM "Order" WHERE ($1::text IS NULL OR note = $1) AND gone IS NOT DISTINCT FROM $2',
    "coalesce": 'SELECT * FROM "Order" WHERE coalesce(note, $1) = $2 AND note || $3 <> $4',
    "zone": "SELECT at AT TIME ZONE $1, to_char(at, $2) FROM \"Order\" WHERE (at AT TIME ZONE $3)::date = $4",
    "series": "SELECT * FROM generate_series($1, $2) AS n LEFT JOIN \"Order\" ON id = n",
    "words": "SELECT * FROM account WHERE to_tsvector($1, email) @@ plainto_tsquery($2, $3)",
    "joined": 'SELECT * FROM account a JOIN "Order" o ON o."accountId" = a.id AND o.state = $1 WHERE a.born < $2',
    "with": 'WITH recent AS (SELECT id, "accountId" AS who FROM "Order" WHERE at > $1) SELECT * FROM recent WHERE who = $2',
    "recursive": 'WITH RECURSIVE r AS (SELECT id FROM "Order" WHERE id = $1 UNION ALL SELECT id + $2 FROM r WHERE id < $3) TABLE r',
    "exists": 'SELECT EXISTS (SELECT $1 FROM "Order" o WHERE o."accountId" = $2 AND NOT o.gone)',
    "lateral": 'SELECT * FROM account a, LATERAL (SELECT * FROM "Order" o WHERE o."accountId" = a.id AND o.score > $1 LIMIT $2) x',
    "view": "SELECT * FROM open_order WHERE who = $1 AND number > $2 AND email = $3",
    "window": 'SELECT *, lag(amount, $1) OVER (PARTITION BY state ORDER BY at) FROM "Order" WHERE score < $2',
    "union": 'SELECT id FROM "Order" WHERE score = $1 UNION ALL SELECT id FROM "Order" WHERE score = $2 LIMIT $3',
    "insert": 'INSERT INTO "Order" ("accountId", state, amount, note, at) VALUES ($1, $2, $3, $4, $5), ($6, $7, $8, $9, now())',
    "upsert": "INSERT INTO account VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET email = $7 WHERE account.born > $8",
    "update": 'UPDATE "Order" SET state = $1, score = score + $2, gone = $3 WHERE id = $4 RETURNING *',
    "delete": 'DELETE FROM "Order" USING account a WHERE a.id = "accountId" AND a.email = $1 AND at < now() - $2::interval',
    "merge": 'MERGE INTO "Order" o USING account a ON o."accountId" = a.id AND a.wallet = $1 WHEN MATCHED THEN UPDATE SET note = $2',
    "nothing known": "SELECT $1, $2::inet, $3 + 1, $4 || 'x', $5::state[]",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Connection]:
    with server.database() as name, server.connect(name) as session:
        session.run(SCHEMA)
        yield session


def _settled(shop: Connection, text: str) -> Query:
    made = settle(shop, [Query(text=text)], column_statistics(shop))
    assert not made.skipped, made.skipped[0].reason
    return made.queries[0]


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_set_of_values_can_be_planned(shop: Connection, name: str) -> None:
    query = _settled(shop, STATEMENTS[name])
    for values in query.parameters:
        assert shop.run("EXPLAIN " + fill(query.text, values))
    assert len(set(query.parameters)) == len(query.parameters) > 0


def test_common_and_rare_values_are_those_of_the_statistics(shop: Connection) -> None:
    query = _settled(shop, 'SELECT * FROM "Order" WHERE state = $1')
    counts = dict(shop.run('SELECT state, count(*)::text FROM "Order" GROUP BY 1'))
    found = [int(counts[value or ""]) for (value,) in query.parameters[:2]]
    assert found == [max(map(int, counts.values())), min(map(int, counts.values()))]


def test_an_absent_value_is_absent(shop: Connection) -> None:
    query = _settled(shop, "SELECT count(*) FROM account WHERE email = $1 AND id = $2")
    text = query.text.replace(" AND ", " OR ")
    assert [shop.value(fill(text, values)) for values in query.parameters[:3]] == ["2", "2", "0"] or shop.value(
        fill(text, query.parameters[2])
    ) == "0"


def test_bounds_enclose_a_tenth_then_a_hundredth_then_all(shop: Connection) -> None:
    query = _settled(shop, 'SELECT count(*) FROM "Order" WHERE at BETWEEN $1 AND $2')
    tenth, hundredth, _, everything, _ = (int(shop.value(fill(query.text, v)) or 0) for v in query.parameters)
    assert 900 < tenth < 1100
    assert 90 < hundredth < 110
    assert everything == 10_000


def test_literals_have_the_plan_of_their_parameters(shop: Connection) -> None:
    for text in (
        "SELECT * FROM \"Order\" WHERE state = 'void' AND amount > 1.5 AND id IN (1, 2) AND at > '2024-01-05' LIMIT 3",
        "SELECT * FROM account WHERE wallet = '0x' AND born < '1990-01-01'::date AND doc @> '{\"kind\": \"k1\"}'",
        "UPDATE \"Order\" SET note = 'x', score = 5 WHERE id = 9",
    ):
        once = normalise(text)
        costs = [shop.run(f"EXPLAIN {each}")[0] for each in (fill(once.text, once.values), text)]
        assert costs[0] == costs[1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nowhere WHERE a = $1", '"nowhere" does not exist'),
        ("SELECT nothing FROM account", '"nothing" does not exist'),
        ("VACUUM account", "only SELECT"),
        ("SELECT 1; SELECT 2", "one query"),
        ("SELECT 1 FROM account WHERE id = 'no uuid'", "invalid input syntax"),
        ("SELECT " + "1 + " * 5000 + "$1", ""),
    ],
)
def test_what_cannot_be_planned_is_named_and_the_rest_goes_on(shop: Connection, text: str, reason: str) -> None:
    made = settle(shop, [Query(text=text, source="app.sql", line=7), Query(text="SELECT 1")], {})
    assert [q.text for q in made.queries] == ["SELECT 1"]
    assert made.skipped[0].line == 7
    assert reason in made.skipped[0].reason
    assert shop.transaction == "idle"


def test_values_that_were_told_are_kept_and_those_refused_are_not(shop: Connection) -> None:
    told = Query(text='SELECT * FROM "Order" WHERE id = $1', parameters=(("5",), ("five",), ("6", "7"), (None,)))
    assert settle(shop, [told], {}).queries[0].parameters == (("5",), (None,))


def test_without_statistics_values_come_from_the_types(shop: Connection) -> None:
    made = settle(shop, [Query(text=text) for text in STATEMENTS.values()], {})
    assert [s.reason for s in made.skipped] == []
    for query in made.queries:
        for values in query.parameters:
            assert shop.run("EXPLAIN " + fill(query.text, values))


def test_nothing_is_written(shop: Connection) -> None:
    before = shop.run('SELECT count(*), sum(xmin::text::bigint) FROM "Order"')
    settle(shop, [Query(text=STATEMENTS[n]) for n in ("insert", "update", "delete", "merge")], {})
    assert shop.run('SELECT count(*), sum(xmin::text::bigint) FROM "Order"') == before


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """What a server logs of the same few statements, in each of its styles."""
    settings = {
        "logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_filename": "app.log",
        "log_min_duration_statement": "0", "log_min_messages": "warning", "log_line_prefix": "%m [%p] %q%u@%d ", "log_rotation_age": "0",
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("logs")
    with scratch(settings=settings) as server, server.database() as name, server.connect(name) as session:
        session.run("CREATE TABLE t (id int PRIMARY KEY, \"Näme\" text); INSERT INTO t VALUES (1, 'a''b')")
        for number in range(5):
            session.run(f"SELECT *\nFROM t -- all\nWHERE id = {number} AND \"Näme\" = 'it''s'")
        for value in ("a", None, "it's\n$2 = 'b'", "a"):
            session.run('SELECT "Näme" FROM t WHERE "Näme" = $1 OR id = $2', [value, 1])
        session.run("UPDATE t SET id = 2 WHERE id = 77")
        session.run("BEGIN")
        session.run("ROLLBACK")
        home = Path(server.admin.value("SHOW data_directory") or "") / "log"
        for suffix in ("log", "csv", "json"):
            (folder / f"app.{suffix}").write_bytes((home / f"app.{suffix}").read_bytes())
    yield {suffix: folder / f"app.{suffix}" for suffix in ("log", "csv", "json")}


@pytest.mark.parametrize("style", ["log", "csv", "json"])
def test_a_servers_own_log(logged: dict[str, Path], style: str) -> None:
    found = {" ".join(q.text.split()): q for q in read_workload(logged[style]) if "Näme" in q.text or "77" in q.text}
    by_id = found['SELECT * FROM t -- all WHERE id = $1 AND "Näme" = $2']
    assert (by_id.calls, by_id.parameters[0]) == (5, ("0", "it's"))
    bound = found['SELECT "Näme" FROM t WHERE "Näme" = $1 OR id = $2']
    assert bound.calls == 4
    assert bound.parameters == (("a", "1"), (None, "1"), ("it's\n$2 = 'b'", "1"))
    assert found["UPDATE t SET id = 2 WHERE id = 77"].total_ms is not None
    assert not any(word in found for word in ("BEGIN", "ROLLBACK"))


@pytest.mark.parametrize("style", ["text", "json"])
def test_auto_explain(tmp_path: Path, style: str) -> None:
    settings = {
        "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0",
        "auto_explain.log_format": style, "log_min_duration_statement": "0", "log_min_messages": "warning", "logging_collector": "on",
        "log_filename": "app.log",
    }  # fmt: skip
    with scratch(settings=settings) as server, server.database() as name, server.connect(name) as session:
        session.run("CREATE TABLE t (id int, name text)")
        session.run("SELECT count(*)\nFROM t\nWHERE name = 'x';")
        for value in ("a", "b"):
            session.run("SELECT name FROM t\nWHERE name = $1", [value])
        log = Path(server.admin.value("SHOW data_directory") or "") / "log" / "app.log"
        (tmp_path / "app.log").write_bytes(log.read_bytes())
    found = {" ".join(q.text.split()): q for q in read_workload(tmp_path / "app.log") if "FROM t" in q.text}
    assert {text: (q.calls, q.parameters) for text, q in found.items()} == {
        "SELECT count(*) FROM t WHERE name = 'x'": (1, ()),
        "SELECT name FROM t WHERE name = $1": (2, (("a",), ("b",))),
    }


def test_pg_stat_statements_with_all_that_it_makes_of_constants() -> None:
    settings = {"shared_preload_libraries": "pg_stat_statements", "compute_query_id": "on"}
    with scratch(settings=settings) as server, server.database() as name, server.connect(name) as session:
        with server.connect(name, role=SUPERUSER) as admin:
            admin.run("CREATE EXTENSION pg_stat_statements SCHEMA public")
        session.run(SCHEMA)
        with server.connect(name, role=SUPERUSER) as admin:
            admin.run("SELECT public.pg_stat_statements_reset()")
        sent = [
            "SELECT date_trunc('day', at), count(*) FROM \"Order\" WHERE at > now() - interval '1 day' GROUP BY date_trunc('day', at)",
            "SELECT extract(year FROM at) FROM \"Order\" WHERE at > date '2024-01-01' AND id IN (1, 2, 3) LIMIT 5",
            "SELECT CASE WHEN score > 5 THEN 'high' ELSE 'low' END, count(*) FROM \"Order\" GROUP BY CASE WHEN score > 5 THEN 'high' ELSE 'low' END",
            "SELECT DISTINCT coalesce(note, 'none') FROM \"Order\" ORDER BY coalesce(note, 'none')",
            "SELECT doc ->> 'kind' FROM account WHERE doc @> '{\"kind\": \"k1\"}' AND tags && ARRAY['t1'] ORDER BY 1 LIMIT 3",
            "SELECT n, substring('abc' FROM 1 FOR n) FROM generate_series(1, 10, 2) AS n WHERE n BETWEEN 2 AND 5 AND n % 2 = 1",
            "SELECT * FROM account WHERE lower(email) LIKE 'user1%' AND born > now() - 2 * interval '10' year",
            "INSERT INTO account VALUES ('00000000-0000-0000-0000-00000000aaaa', 'x@y', NULL, '{a,b}', '{}', '2000-01-01')",
            "UPDATE account SET tags = tags || '{q}', born = born + 1 WHERE email = 'x@y' AND id = ANY ('{00000000-0000-0000-0000-00000000aaaa}'::uuid[])",
            "SELECT round(score::numeric, 2), (at AT TIME ZONE 'UTC')::date FROM \"Order\" WHERE (id, amount) > (5, 6.5) OFFSET 3 ROWS FETCH FIRST 2 ROWS ONLY",
        ]  # fmt: skip
        for text in (*sent, sent[0]):
            session.run(text)
        with connect_live(f"postgresql://{OWNER}@/{name}?host={server.sockets}") as live:
            found = read_measured(live)
        made = settle(session, found, column_statistics(session))
        assert "\n".join(f"{s.statement}: {s.reason}" for s in made.skipped if "_reset" not in s.statement) == ""
        assert sum("date_trunc" in q.text and q.calls == 2 and q.total_ms is not None for q in made.queries) == 1
        assert len(made.queries) >= len(sent)
        for query in made.queries:
            assert session.run("EXPLAIN " + fill(query.text, query.parameters[0] if query.parameters else ()))
