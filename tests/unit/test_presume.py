"""The static pass: what a text refers to and nobody created, and which types its use suggests. No server."""

from __future__ import annotations

import pytest

from pgassay.model import Name
from pgassay.rehearsal.presume_ddl import draft
from pgassay.rehearsal.presume_types import by_name, resolve
from pgassay.sql import parse
from pgassay.sql.usage import usage


def types(sql: str) -> dict[str, str]:
    """Every presumed column with its type."""
    world = usage(parse(sql, "-"))
    return {f"{r.name.name}.{c.name}": resolve(c) for r in world.presumed for c in r.originals.values()}


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("id", "bigint"),
        ("user_id", "bigint"),
        ("teamId", "bigint"),
        ("created_at", "timestamptz"),
        ("updatedAt", "timestamptz"),
        ("is_admin", "boolean"),
        ("hasPaid", "boolean"),
        ("view_count", "integer"),
        ("balance", "numeric(78,0)"),
        ("token_amount", "numeric(78,0)"),
        ("block_number", "bigint"),
        ("address", "text"),
        ("metadata", "jsonb"),
        ("email", "text"),
        ("valid", "text"),
        ("grid", "text"),
    ],
)
def test_names_suggest_types(name: str, type: str) -> None:
    assert by_name(name) == type


@pytest.mark.parametrize(
    ("sql", "column", "type"),
    [
        ("DELETE FROM t WHERE a = 'x'", "t.a", "text"),
        ("DELETE FROM t WHERE user_id = 'x'", "t.user_id", "text"),
        ("DELETE FROM t WHERE user_id = '7'", "t.user_id", "bigint"),
        ("DELETE FROM t WHERE id = '6f1c0c7e-56c8-4a30-9d0b-0d9c7b1a2f11'", "t.id", "uuid"),
        ("DELETE FROM t WHERE a > 1.5", "t.a", "numeric"),
        ("DELETE FROM t WHERE a IN (1, 5000000000)", "t.a", "bigint"),
        ("DELETE FROM t WHERE a > '2026-01-01 10:00'", "t.a", "timestamptz"),
        ("DELETE FROM t WHERE a = '2026-01-01'::date", "t.a", "date"),
        ("DELETE FROM t WHERE NOT a", "t.a", "boolean"),
        ("DELETE FROM t WHERE a @> '{\"b\": 1}'", "t.a", "jsonb"),
        ("DELETE FROM t WHERE 'x' = ANY (a)", "t.a", "text[]"),
        ("DELETE FROM t WHERE a = ANY (ARRAY['x']::uuid[])", "t.a", "uuid"),
        ("DELETE FROM t WHERE lower(balance) = 'x'", "t.balance", "text"),
        ("DELETE FROM t WHERE now() - a > interval '1 day'", "t.a", "timestamptz"),
        ("DELETE FROM t WHERE coalesce(a, b, 0::bigint) > 1", "t.a", "bigint"),
        ("UPDATE t SET a = CASE WHEN b = 'x' THEN 1 ELSE 2 END", "t.b", "text"),
        ("UPDATE t SET a = CASE WHEN b = 'x' THEN 1 ELSE 2 END", "t.a", "integer"),
        ("UPDATE t SET a = b.c::uuid FROM b", "t.a", "uuid"),
        ("SELECT 1 FROM a JOIN b ON a.ref = b.id", "a.ref", "bigint"),
        ("CREATE TABLE c (p uuid REFERENCES t (id))", "t.id", "uuid"),
        ("CREATE TABLE c (p bigserial); ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES t", "t.id", "bigint"),
        ("CREATE TABLE c (k text); SELECT 1 FROM c JOIN t ON t.x = c.k", "t.x", "text"),
        ("ALTER TABLE t ALTER a TYPE bigint; UPDATE t SET a = 5000000000", "t.a", "integer"),
        ("ALTER TABLE t ALTER a TYPE varchar(9)", "t.a", "text"),
        ("ALTER TABLE t ALTER a TYPE char(2)", "t.a", "text"),
        ("ALTER TABLE t ALTER a TYPE double precision", "t.a", "real"),
        ("ALTER TABLE t ALTER COLUMN wei TYPE numeric(78,0) USING wei::numeric", "t.wei", "text"),
        ("UPDATE t SET a = 'x'; CREATE TABLE IF NOT EXISTS t (a varchar(3))", "t.a", "varchar(3)"),
        ("SELECT a FROM t WHERE EXISTS (SELECT FROM u WHERE u.k = t.k AND t.k = 'z')", "u.k", "text"),
    ],
)
def test_use_suggests_types(sql: str, column: str, type: str) -> None:
    assert types(sql)[column] == type


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a int); CREATE INDEX ON t (a); ALTER TABLE t RENAME TO u; DROP TABLE u;",
        "SET lock_timeout = '1s'; SELECT pg_catalog.set_config('search_path', '', false); SELECT now(), 1 + 1;",
        "SELECT relname FROM pg_class WHERE relkind = 'r';",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT b.x, a.x FROM a, b WHERE x = 1;",
        "DO $$ DECLARE n int; BEGIN SELECT 1 INTO n; n := n + 1; IF n > 1 THEN RAISE NOTICE '%', n; END IF; END $$;",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + $1'; SELECT f(1);",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN INSERT INTO later VALUES (1); END';"
        "CREATE TABLE later (a int); DROP TABLE later;",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := now(); RETURN NEW; END';",
        "CREATE FUNCTION f(p int) RETURNS int LANGUAGE plpgsql AS"
        " 'DECLARE r record; BEGIN CREATE TEMP TABLE x AS SELECT 1 AS y;"
        " SELECT * INTO r FROM x WHERE y = p; RETURN r.y; END';",
    ],
)
def test_nothing_is_missing(sql: str) -> None:
    world = usage(parse(sql, "-"))
    assert not world.missing
    assert not world.opaque


def test_names_are_found_along_the_search_path() -> None:
    world = usage(parse("SET search_path = app, public; ALTER TABLE t DROP COLUMN a; DROP TABLE public.u", "-"))
    assert [r.name for r in world.presumed] == [Name("app", "t"), Name("public", "u")]
    assert list(world.schemas) == ["app"]


def test_every_assumption_is_a_sentence_with_its_place() -> None:
    made = draft(usage(parse("\n\nALTER TABLE users ALTER COLUMN email SET NOT NULL;", "-")))
    assert [a.text for a in made.assumed] == [
        "table public.users with columns id bigint primary key, email text: named by line 3 and created by nobody"
    ]


def test_functions_need_what_nobody_makes_before_or_after() -> None:
    world = usage(
        parse(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.at = now(); INSERT INTO audit (row_id, op) VALUES (NEW.id, TG_OP); RETURN NEW; END $$;"
            " CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f();",
            "-",
        )
    )
    assert {r.name.name: list(r.originals) for r in world.presumed} == {"users": [], "audit": ["row_id", "op"]}


def test_dynamic_sql_cannot_be_read() -> None:
    assert usage(parse("DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE t'; END $$", "-")).opaque


def test_a_triggers_transition_table_is_no_table() -> None:
    body = "BEGIN INSERT INTO sums SELECT sum(c.n) FROM changed c; RETURN NULL; END"
    sql = f"""
    CREATE TABLE t (n integer); CREATE TABLE sums (n bigint);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$;
    CREATE TRIGGER r AFTER INSERT ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION f();"""
    assert not [r.name.name for r in usage(parse(sql, "-")).presumed]
