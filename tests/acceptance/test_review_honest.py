"""Hard cases: what is said is what happens, once, and what could not be run is said to be so."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.acceptance.reviews import Reviewed, review, write


def history(folder: Path, *files: str, rows: str = "50") -> Reviewed:
    """Review files in turn; each is named by its number."""
    return review(write(folder, {f"{n}.sql": text for n, text in enumerate(files, 1)}), "--history", "--rows", rows)


def test_an_error_in_the_middle_is_told_once(tmp_path: Path) -> None:
    seen = history(
        tmp_path,
        "CREATE TABLE a (id int PRIMARY KEY, v text);\n",
        "CREATE TABLE broken (id int, CHECK (nonsense > 0));\n"  # fails
        "CREATE INDEX broken_id ON broken (id);\n"  # only because of that
        "SELECT 1 / 0;\n"  # fails
        "CREATE INDEX a_v ON a (v);\n",  # judged all the same
        "ALTER TABLE broken ADD COLUMN x int;\nINSERT INTO broken VALUES (1);\nDROP TABLE broken;\n",
        "ALTER TABLE a DROP COLUMN v;\n",
    )
    assert seen.findings == {
        "fails failing-statement 2.sql:1",
        "fails failing-statement 2.sql:3",
        "blocks blocking-index-build 2.sql:4",
        "loses-data dropped-column 4.sql:1",
    }
    assert set(seen.skipped) == {"2.sql:2", "3.sql:1", "3.sql:2", "3.sql:3"}


def test_what_only_production_has_is_not_rehearsed_and_no_finding(tmp_path: Path) -> None:
    lines = [
        "ALTER SYSTEM SET work_mem = '1GB'",
        "COPY a FROM '/etc/passwd'",
        "COPY a TO PROGRAM 'cat'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'",
        "CREATE ROLE boss SUPERUSER",
        "SELECT pg_read_file('/etc/passwd')",
        "GRANT CONNECT ON DATABASE app TO PUBLIC",
        "ALTER DATABASE app SET timezone TO 'UTC'",
        "CREATE TABLE t (id int) TABLESPACE fast",
        "CREATE TABLE c (v text COLLATE \"tlh_QO.utf8\")",
        "UPDATE guarded SET v = 'x'",
        "CREATE EXTENSION postgis",
        "CREATE TABLE place (id int PRIMARY KEY, geom geometry(Point, 4326))",
        "CREATE DATABASE other",
    ]  # fmt: skip
    seen = history(
        tmp_path,
        "CREATE TABLE a (id int PRIMARY KEY, v text);\nCREATE TABLE guarded (id int PRIMARY KEY, v text, tenant int);\n"
        "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;\n"
        "CREATE POLICY p ON guarded USING (tenant = (SELECT current_setting('app.tenant')::int));\n",
        "".join(f"{line};\n" for line in lines),
        "CREATE INDEX place_geom ON place USING gist (geom);\nALTER TABLE place ADD COLUMN note text;\n"
        "CREATE VIEW near AS SELECT ST_Distance(geom, geom) FROM place;\nCREATE INDEX a_v ON a (v);\n"
        "CREATE INDEX guarded_v ON guarded (v);\n",
    )
    assert {words for words in seen.findings if "index" in words} == {
        "blocks blocking-index-build 3.sql:4",
        "blocks blocking-index-build 3.sql:5",
    }
    assert not [words for words in seen.findings if words.startswith("fails")]
    assert set(seen.skipped) == {f"2.sql:{n}" for n in range(1, len(lines) + 1)} | {f"3.sql:{n}" for n in (1, 2, 3)}
    assert "postgis is not available" in seen.skipped["2.sql:12"]


def test_roles_and_grants(tmp_path: Path) -> None:
    seen = history(
        tmp_path,
        "CREATE ROLE reader NOLOGIN;\nCREATE USER app PASSWORD 'x' CONNECTION LIMIT 5;\nGRANT reader TO app;\n"
        "CREATE TABLE a (id int PRIMARY KEY);\nGRANT SELECT ON a TO reader;\n"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;\n",
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'writer') THEN CREATE ROLE writer; END IF;"
        " END $$;\nGRANT INSERT ON a TO writer;\nREVOKE SELECT ON a FROM reader;\nDROP ROLE IF EXISTS nobody_knows;\n",
        "ALTER TABLE a OWNER TO app;\nSET ROLE app;\nALTER TABLE a ADD COLUMN v text;\nRESET ROLE;\n",
    )
    assert (seen.code, seen.findings) == (0, set())
    assert set(seen.skipped) == {"3.sql:1", "3.sql:3"}  # as on a server where app may not create in public


def test_transactions_of_the_files_own(tmp_path: Path) -> None:
    seen = history(
        tmp_path,
        "BEGIN;\nCREATE TABLE a (id int PRIMARY KEY, v text);\nCOMMIT;\n",
        "BEGIN;\nCREATE INDEX a_v ON a (v);\nCOMMIT;\nCREATE INDEX CONCURRENTLY a_id ON a (id, v);\n"
        "BEGIN;\nALTER TABLE a DROP COLUMN v;\nROLLBACK;\n",
        "ALTER TABLE a ADD COLUMN w int;\n",
    )
    assert "blocks blocking-index-build 2.sql:2" in seen.findings
    assert not [words for words in seen.findings if words.endswith("2.sql:4") or words.startswith("fails")]
    assert seen.skipped == {}


def test_a_deferred_constraint_is_blamed_on_its_statement(tmp_path: Path) -> None:
    seen = history(
        tmp_path,
        "CREATE TABLE p (id int PRIMARY KEY, n int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n",
        "CREATE TABLE q (id int);\n"
        "CREATE TABLE twice (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO twice VALUES (-1), (-2);\n"
        "UPDATE twice SET id = -3 - id;\n"  # swaps: violated for a moment only
        "INSERT INTO twice VALUES (-2);\n"  # violated to the end
        "INSERT INTO q VALUES (1);\n",
        "ALTER TABLE q ADD COLUMN v text;\nALTER TABLE twice ADD COLUMN v text;\n",  # both are there
        "BEGIN;\nINSERT INTO twice VALUES (-7);\nINSERT INTO twice VALUES (-7);\nCREATE TABLE r (id int);\nCOMMIT;\n",
        "ALTER TABLE r ADD COLUMN v text;\n",
    )
    assert {words for words in seen.findings if words.startswith("fails")} == {
        "fails failing-statement 2.sql:5",
        "fails failing-statement 4.sql:3",
    }
    assert seen.skipped == {}


def test_strange_names(tmp_path: Path) -> None:
    table, column = '"Sch éma"."Tab""le"', '"new\nline"'
    seen = history(
        tmp_path,
        f'CREATE SCHEMA "Sch éma";\nCREATE TABLE {table} ("Id" int PRIMARY KEY, "na me" text NOT NULL, {column} int);\n'
        f'CREATE TABLE "SELECT" ("from" int PRIMARY KEY, "日本" text, "\'q\'" text);\n',
        f'CREATE INDEX "Idx ""q""" ON {table} ("na me");\n',
        f"ALTER TABLE {table} RENAME COLUMN {column} TO newer;\n",
        'ALTER TABLE "SELECT" DROP COLUMN "日本";\n',
        'ALTER TABLE "SELECT" ADD COLUMN "NEW" int NOT NULL;\n',
    )
    assert seen.findings == {
        "blocks blocking-index-build 2.sql:1",
        "breaks-app renamed-column 3.sql:1",
        "loses-data dropped-column 4.sql:1",
        "fails required-column-added 5.sql:1",
    }
    assert {f["certainty"] for f in seen.report["findings"]} == {"proved"}


def test_kinds_of_tables(tmp_path: Path) -> None:
    labels = ", ".join(f"'label {n}'" for n in range(600))
    columns = ", ".join(f"c{n} {['int', 'text', 'numeric(78,0) NOT NULL', 'jsonb'][n % 4]}" for n in range(300))
    seen = history(
        tmp_path,
        f"CREATE TYPE big AS ENUM ({labels});\nCREATE TABLE labelled (id int PRIMARY KEY, e big NOT NULL, f big[]);\n"
        f"CREATE TABLE wide (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns});\n"
        "CREATE TABLE base (id bigint PRIMARY KEY);\nCREATE TABLE kid (extra text NOT NULL) INHERITS (base);\n"
        "CREATE TABLE area (id int PRIMARY KEY, w int, h int, size int GENERATED ALWAYS AS (w * h) STORED);\n"
        "CREATE TABLE event (block bigint, at timestamptz, PRIMARY KEY (block)) PARTITION BY RANGE (block);\n"
        "CREATE TABLE event_0 PARTITION OF event FOR VALUES FROM (0) TO (1000);\n"
        "CREATE TABLE event_d PARTITION OF event DEFAULT;\n"
        "CREATE MATERIALIZED VIEW totals AS SELECT e, count(*) AS n FROM labelled GROUP BY e;\n",
        "ALTER TYPE big ADD VALUE 'one more';\n",
        "ALTER TABLE wide DROP COLUMN c1;\n",
        "ALTER TABLE base ADD COLUMN note text NOT NULL;\n",
        "ALTER TABLE area ADD COLUMN half int GENERATED ALWAYS AS (w / 2) STORED;\n",
        "CREATE INDEX event_at ON event (at);\n",
        "ALTER TABLE event ADD COLUMN note text;\n",
        "REFRESH MATERIALIZED VIEW totals;\n",
        "DROP MATERIALIZED VIEW totals;\nCREATE MATERIALIZED VIEW totals AS SELECT e FROM labelled;\n",
        "DROP TABLE event_0;\n",
    )
    assert seen.findings >= {
        "loses-data dropped-column 3.sql:1",
        "fails required-column-added 4.sql:1",
        "blocks rewriting-column-added 5.sql:1",
        "blocks blocking-index-build 6.sql:1",
        "blocks blocking-refresh 8.sql:1",
        "loses-data dropped-table 10.sql:1",
    }
    assert not [words for words in seen.findings if words.endswith((" 1.sql:1", " 2.sql:1", " 7.sql:1"))]
    assert seen.skipped == {}


def test_paths_temporary_tables_and_blocks(tmp_path: Path) -> None:
    seen = history(
        tmp_path,
        "CREATE SCHEMA app;\nSET search_path = app, public;\nCREATE TABLE a (id int PRIMARY KEY, v text);\n"
        "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);\nCREATE INDEX b_a ON b (a);\n",
        "SET search_path TO app;\nCREATE TEMP TABLE t AS SELECT * FROM a;\nCREATE INDEX ON t (v);\n"
        "UPDATE t SET v = 'x';\nDROP TABLE t;\n",
        "SET search_path TO app;\nCREATE INDEX a_v ON a (v);\n",
        "SET search_path TO app;\nALTER TABLE a RENAME COLUMN v TO title;\n",
        "DO $$ BEGIN ALTER TABLE app.b ADD COLUMN z int; EXECUTE 'ALTER TABLE app.b DROP COLUMN a'; END $$;\n",
        "SET search_path TO app;\nALTER TABLE b ADD COLUMN n int NOT NULL;\n",
    )
    assert {words for words in seen.findings if not words.endswith("5.sql:1")} == {
        "blocks blocking-index-build 3.sql:2",
        "breaks-app renamed-column 4.sql:2",
        "fails required-column-added 6.sql:2",
    }
    assert [words.split()[0] for words in seen.findings if words.endswith("5.sql:1")] == ["loses-data"]
    assert seen.skipped == {}


def test_functions_and_triggers(tmp_path: Path) -> None:
    body = "LANGUAGE plpgsql AS $$ BEGIN NEW.{column} := now(); INSERT INTO log (a) VALUES (NEW.id); RETURN NEW; END $$"
    make = "CREATE OR REPLACE FUNCTION touch() RETURNS trigger " + body + ";\n"
    seen = history(
        tmp_path,
        "CREATE TABLE a (id int PRIMARY KEY, v text, updated_at timestamptz);\n"
        "CREATE TABLE log (id bigserial PRIMARY KEY, a int NOT NULL);\n"
        + make.format(column="updated_at")
        + "CREATE TRIGGER a_touch BEFORE INSERT OR UPDATE ON a FOR EACH ROW EXECUTE FUNCTION touch();\n",
        make.format(column="updated_at"),
        make.format(column="gone"),
    )
    assert seen.findings == {"breaks-app broken-application 3.sql:1"}


DUMP = """--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
SET lock_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET row_security = off;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';
SET default_table_access_method = heap;
CREATE TABLE public.token (id bigint NOT NULL, name text NOT NULL, owner bigint);
ALTER TABLE public.token OWNER TO production_owner;
CREATE SEQUENCE public.token_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE public.token_id_seq OWNER TO production_owner;
ALTER SEQUENCE public.token_id_seq OWNED BY public.token.id;
ALTER TABLE ONLY public.token ALTER COLUMN id SET DEFAULT nextval('public.token_id_seq'::regclass);
ALTER TABLE ONLY public.token ADD CONSTRAINT token_pkey PRIMARY KEY (id);
SELECT pg_catalog.setval('public.token_id_seq', 100, true);
GRANT SELECT ON TABLE public.token TO reporting;
"""


def test_a_dump_first_and_files_without_statements(tmp_path: Path) -> None:
    seen = history(
        tmp_path, DUMP, "", "-- nothing\n/* at all */\n", "ALTER TABLE token ADD COLUMN note text;\n",
        "CREATE INDEX token_owner ON token (owner);\n",
    )  # fmt: skip
    assert seen.findings == {"blocks blocking-index-build 5.sql:1"}
    assert seen.skipped == {}
    assert [f["statements"] for f in seen.report["files"]][1:3] == [0, 0]


def test_a_history_of_500_files(tmp_path: Path) -> None:
    """Most of them are deployed; those under review meet what they left."""
    files = {}
    for number in range(490):
        table = f"t{number // 10}"
        made = f"CREATE TABLE {table} (id int PRIMARY KEY, v text);\n"
        files[f"{number:04}.sql"] = made if number % 10 == 0 else f"ALTER TABLE {table} ADD COLUMN c{number} int;\n"
    write(tmp_path, files)
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in ("init --quiet -b main", "add .", "commit --quiet -m old", "checkout --quiet -b new"):
        subprocess.run(["git", *identity, *words.split()], cwd=tmp_path, check=True, capture_output=True)
    write(tmp_path, {f"{n:04}.sql": f"ALTER TABLE t{n - 490} ADD COLUMN w int;\n" for n in range(490, 499)})
    write(tmp_path, {"0499.sql": "CREATE INDEX last ON t7 (v);\n"})
    seen = review(tmp_path, "--base", "main", "--rows", "10")
    assert (seen.report["project"]["migrations"], seen.report["project"]["pending"]) == (500, 10)
    assert seen.findings == {"blocks blocking-index-build 0499.sql:1"}
