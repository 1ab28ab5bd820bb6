"""Migrations, one a line, and what the rules on changes, on security and on the unexpected say of them: run live."""

from __future__ import annotations

import pytest

from pgassay.model import Report, TransactionMode, Verdict
from pgassay.rules import registry
from pgassay.server import Server
from pgassay.sql import parse
from tests.postgres.test_rules import example, live

MINE = {rule.id for rule in registry() if rule.find and rule.family in {"changes", "security", "unexpected"}}

SETUP = """
CREATE TYPE status AS ENUM ('open', 'paused', 'closed');
CREATE TABLE issuer (id bigint PRIMARY KEY, name text NOT NULL, lei varchar(20) UNIQUE, country char(2),
  postcode text CHECK (postcode ~ '^[0-9]{5}$'));
CREATE VIEW issuer_names AS SELECT id, name FROM issuer;
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL, note text, supply numeric(30,18) NOT NULL DEFAULT 0,
  holders bigint NOT NULL DEFAULT 0, price double precision, issuer_id bigint REFERENCES issuer (id),
  status status NOT NULL DEFAULT 'open', created timestamptz NOT NULL DEFAULT now(), code varchar(40));
CREATE INDEX token_issuer_idx ON token (issuer_id);
CREATE FUNCTION fee(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT amount / 100';
CREATE TABLE session (id bigint PRIMARY KEY, tenant text NOT NULL, token_id bigint REFERENCES token ON DELETE CASCADE);
CREATE INDEX session_token_idx ON session (token_id);
CREATE SCHEMA archive;
CREATE TABLE event (id bigint, at date NOT NULL, kind text NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
"""

# What is found: "rule verdict certainty", several joined by "; ".
FOUND = {
    # columns that become required
    "ALTER TABLE token ADD COLUMN decimals integer NOT NULL": "required-column-added fails proved",
    "ALTER TABLE token ADD decimals int NOT NULL, ADD chain int NOT NULL": "required-column-added fails proved;"
    " required-column-added fails proved",
    "ALTER TABLE token ADD COLUMN decimals integer NOT NULL DEFAULT NULL": "required-column-added fails proved",
    "ALTER TABLE issuer ADD COLUMN a int; ALTER TABLE issuer ALTER a SET NOT NULL":
        "nullable-column-required fails proved",
    "ALTER TABLE token ALTER COLUMN note SET NOT NULL": "nullable-column-required fails computed",
    "ALTER TABLE token ADD CONSTRAINT n NOT NULL note": "nullable-column-required fails computed",
    "ALTER TABLE token ADD CHECK (note IS NOT NULL)": "nullable-column-required fails computed",
    "ALTER TABLE token ADD CHECK (note IS NOT NULL) NOT VALID": "nullable-column-required breaks-app computed",
    "UPDATE token SET note = '' WHERE note IS NULL; ALTER TABLE token ALTER note SET NOT NULL":
        "nullable-column-required breaks-app computed",
    "ALTER TABLE token ALTER COLUMN supply DROP DEFAULT": "dropped-default breaks-app proved",
    "ALTER TABLE token ADD COLUMN d int NOT NULL DEFAULT 18; ALTER TABLE token ALTER COLUMN d DROP DEFAULT":
        "dropped-default breaks-app proved",
    # constraints that rows violate
    "ALTER TABLE token ADD COLUMN c int DEFAULT 0 UNIQUE": "duplicate-values fails proved",
    "ALTER TABLE token ADD COLUMN c int DEFAULT 0; CREATE UNIQUE INDEX i ON token (c)": "duplicate-values fails proved",
    "ALTER TABLE token ADD COLUMN c int DEFAULT 0, ADD CONSTRAINT k UNIQUE (c)": "duplicate-values fails proved",
    "UPDATE token SET note = 'x' WHERE id > 0; ALTER TABLE token ADD CONSTRAINT k UNIQUE (note)":
        "updated-rows blocks computed; duplicate-values fails computed",
    "ALTER TABLE token ADD COLUMN c int DEFAULT 0 CHECK (c > 0)": "violated-constraint fails proved",
    "ALTER TABLE token ADD COLUMN i bigint DEFAULT -7 REFERENCES issuer": "violated-constraint fails proved",
    "ALTER TABLE token ADD COLUMN c int DEFAULT 0; ALTER TABLE token ADD CONSTRAINT k CHECK (c > 0) NOT VALID;"
    " ALTER TABLE token VALIDATE CONSTRAINT k":
        "broken-application breaks-app computed; violated-constraint fails proved",
    # types
    "ALTER TABLE token ALTER COLUMN note TYPE integer": "impossible-type-change fails proved",
    "ALTER TABLE token ALTER COLUMN status TYPE boolean USING true": "impossible-type-change fails proved",
    "ALTER TABLE token ALTER COLUMN symbol TYPE integer USING symbol::integer": "failing-type-change fails computed",
    "ALTER TABLE token ALTER COLUMN symbol TYPE jsonb USING symbol::jsonb": "failing-type-change fails computed",
    "ALTER TABLE token ALTER COLUMN symbol TYPE varchar(3)": "narrowing-type fails computed",
    "ALTER TABLE token ALTER COLUMN code TYPE varchar(39)": "narrowing-type fails computed",
    "ALTER TABLE token ALTER COLUMN code TYPE varchar(4) USING code::varchar(4)": "narrowing-type loses-data computed",
    "ALTER TABLE token ALTER COLUMN supply TYPE numeric(30,2)": "narrowing-type loses-data computed",
    "ALTER TABLE token ALTER COLUMN supply TYPE numeric(28,18)": "narrowing-type fails computed",
    "ALTER TABLE token ALTER COLUMN supply TYPE double precision": "narrowing-type loses-data computed",
    "ALTER TABLE token ALTER COLUMN holders TYPE integer": "narrowing-type fails computed",
    "ALTER TABLE token ALTER COLUMN price TYPE bigint": "narrowing-type loses-data computed",
    "ALTER TABLE token ALTER COLUMN created TYPE date": "narrowing-type loses-data computed",
    "ALTER TABLE token ALTER COLUMN created TYPE timestamptz(0)": "narrowing-type loses-data computed",
    "ALTER TYPE status RENAME TO status_old; CREATE TYPE status AS ENUM ('open', 'closed');"
    " ALTER TABLE token ALTER status DROP DEFAULT, ALTER status TYPE status USING"
    " CASE status::text WHEN 'paused' THEN 'open' ELSE status::text END::status, ALTER status SET DEFAULT 'open'":
        "narrowing-type loses-data computed",  # the label is gone from the rows, and the statements with it
    "ALTER TYPE status RENAME TO status_old; CREATE TYPE status AS ENUM ('open', 'closed');"
    " ALTER TABLE token ALTER status DROP DEFAULT, ALTER status TYPE status USING status::text::status,"
    " ALTER status SET DEFAULT 'open'": "failing-type-change fails computed",
    "ALTER TABLE token ALTER status DROP DEFAULT, ALTER status TYPE int USING CASE status WHEN 'open' THEN 1"
    " WHEN 'paused' THEN 2 ELSE 3 END, ALTER status SET DEFAULT 1": "changed-type breaks-app proved",
    # drops
    "ALTER TABLE token DROP COLUMN note": "dropped-column loses-data proved",
    "ALTER TABLE token DROP COLUMN note, DROP COLUMN code": "dropped-column loses-data proved;"
    " dropped-column loses-data proved",
    "ALTER TABLE token RENAME TO coin; ALTER TABLE coin DROP COLUMN note": "renamed-table breaks-app proved;"
    " dropped-column loses-data proved",
    "ALTER TABLE token RENAME note TO memo; ALTER TABLE token DROP COLUMN memo": "renamed-column breaks-app proved;"
    " dropped-column loses-data proved",
    "DROP TABLE session": "dropped-table loses-data proved",
    "DROP TABLE token CASCADE": "dropped-table loses-data proved",
    "DROP TABLE IF EXISTS session, nowhere": "dropped-table loses-data proved",
    "DROP VIEW issuer_names": "dropped-view breaks-app proved",
    "DROP TYPE status CASCADE": "dropped-type loses-data proved",
    "DROP TYPE status": "dropped-type fails proved",
    "DROP FUNCTION fee(numeric)": "dropped-function breaks-app computed",
    "ALTER TABLE issuer DROP CONSTRAINT issuer_lei_key": "dropped-constraint style computed",
    "ALTER TABLE session DROP CONSTRAINT session_pkey": "dropped-constraint style computed",
    # names
    "ALTER TABLE token RENAME COLUMN note TO memo": "renamed-column breaks-app proved",
    "ALTER VIEW issuer_names RENAME COLUMN name TO label": "renamed-column breaks-app computed",
    "ALTER TABLE token RENAME TO coin": "renamed-table breaks-app proved",
    "ALTER VIEW issuer_names RENAME TO names": "renamed-view breaks-app proved",
    "ALTER TYPE status RENAME VALUE 'open' TO 'live'": "renamed-enum-value breaks-app proved",
    "ALTER TYPE status RENAME TO token_status": "renamed-type breaks-app computed",
    "ALTER TABLE session SET SCHEMA archive": "moved-table breaks-app proved",
    "ALTER TYPE status SET SCHEMA archive": "renamed-type breaks-app computed",
    # rows
    "DELETE FROM session": "deleted-rows loses-data proved",
    "DELETE FROM token": "deleted-rows loses-data proved",
    "DELETE FROM session WHERE id > 0": "deleted-rows loses-data computed",
    "DELETE FROM session WHERE id > 50": "deleted-rows style computed",
    "TRUNCATE session": "truncated-table loses-data proved",
    "TRUNCATE token CASCADE": "truncated-table loses-data proved",
    "UPDATE token SET note = symbol": "updated-rows blocks proved",
    "ALTER TABLE token ADD COLUMN d int; UPDATE token SET d = 18 WHERE d IS NULL": "updated-rows blocks computed",
    # what the change itself copied is not lost
    "ALTER TABLE token ADD memo text; UPDATE token SET memo = note; ALTER TABLE token DROP COLUMN note":
        "updated-rows blocks proved; dropped-column breaks-app proved",
    "ALTER TABLE token ADD memo text; UPDATE token SET memo = 'x' WHERE note = ''; ALTER TABLE token DROP COLUMN note":
        "dropped-column loses-data proved",
    "ALTER TABLE token ADD n text; UPDATE token SET n = note; ALTER TABLE token DROP note;"
    " ALTER TABLE token RENAME n TO note": "updated-rows blocks proved; dropped-column style computed",
    "CREATE TABLE s (LIKE session INCLUDING ALL); INSERT INTO s SELECT * FROM session; DROP TABLE session;"
    " ALTER TABLE s RENAME TO session": "dropped-table style computed",
    # partitions
    "UPDATE event SET kind = 'a'": "updated-rows blocks proved",
    "DELETE FROM event": "deleted-rows loses-data proved",
    "ALTER TABLE event RENAME kind TO type": "renamed-column breaks-app proved",
    "DROP TABLE event_1": "dropped-table loses-data proved",
    # indexes
    "CREATE TABLE trade (id bigint PRIMARY KEY, token_id bigint REFERENCES token)":
        "missing-foreign-key-index slows computed",
    "ALTER TABLE session ADD COLUMN issuer_id bigint REFERENCES issuer (id)":
        "missing-foreign-key-index slows computed",
    "CREATE TABLE trade (a bigint REFERENCES token, b bigint REFERENCES issuer, PRIMARY KEY (a, b))":
        "missing-foreign-key-index slows computed",
    # what nobody else explains
    "ALTER TABLE nowhere.token ADD COLUMN a int; CREATE TABLE token (a int)": "failing-statement fails proved",
    "ALTER TABLE issuer DROP COLUMN name": "failing-statement fails proved",
    "DO $$ BEGIN ALTER TABLE token RENAME note TO memo; END $$": "broken-application breaks-app proved",
    "DO $$ BEGIN ALTER TABLE token DROP COLUMN note; END $$": "lost-data loses-data proved",
    "DO $$ BEGIN DELETE FROM session; END $$": "lost-data loses-data proved",
    "DROP SCHEMA public CASCADE": "lost-data loses-data proved",
    "ALTER TABLE token ADD CHECK (supply > 5) NOT VALID": "broken-application breaks-app computed",
    "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'closed'; END $$;"
    " CREATE TRIGGER no BEFORE INSERT ON token FOR EACH ROW EXECUTE FUNCTION no()":
        "broken-application breaks-app computed",
    # security
    "ALTER TABLE token ENABLE ROW LEVEL SECURITY; ALTER TABLE token FORCE ROW LEVEL SECURITY":
        "row-security-without-policy breaks-app proved",
    "GRANT ALL ON token TO PUBLIC": "privileges-for-public exposes computed",
    "GRANT INSERT ON ALL TABLES IN SCHEMA public TO PUBLIC": "privileges-for-public exposes computed",
    "ALTER TABLE token ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON token USING (true)":
        "policy-for-everyone exposes computed",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN 1; END $$":
        "security-definer-without-search-path exposes computed",
}  # fmt: skip

# Innocent: nothing of these families, and nothing of any at or above `breaks-app`.
INNOCENT = (
    "CREATE TABLE a (id bigint PRIMARY KEY, x text NOT NULL); CREATE TABLE b (id bigint PRIMARY KEY, c int)",
    "ALTER TABLE token ADD COLUMN memo text",
    "ALTER TABLE token ADD COLUMN memo text NOT NULL DEFAULT ''",
    "ALTER TABLE token ADD COLUMN number bigserial",
    "ALTER TABLE token ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE token ADD COLUMN double numeric NOT NULL GENERATED ALWAYS AS (supply * 2) STORED",
    "CREATE TYPE kind AS ENUM ('a', 'b'); ALTER TABLE token ADD COLUMN kind kind",
    "ALTER TYPE status ADD VALUE 'burned'",
    "CREATE TABLE a (id bigint PRIMARY KEY, t bigint REFERENCES token); CREATE INDEX ON a (t)",
    "CREATE TABLE a (t bigint UNIQUE REFERENCES token)",
    "CREATE TABLE a (t bigint REFERENCES token); CREATE INDEX ON a (t) WHERE t IS NOT NULL",
    "ALTER TABLE token DROP COLUMN IF EXISTS never_was",
    "DROP TABLE IF EXISTS never_was",
    "CREATE TABLE a (id int); DROP TABLE a",
    "CREATE TABLE a (id int, x int); ALTER TABLE a DROP COLUMN x; ALTER TABLE a RENAME id TO key",
    "CREATE TABLE a (id int); ALTER TABLE a RENAME TO b; ALTER TABLE b ADD COLUMN x int NOT NULL; DROP TABLE b",
    "CREATE TABLE a (id int, x text); ALTER TABLE a ALTER x TYPE int USING x::int; TRUNCATE a",
    "ALTER TABLE token ADD COLUMN tmp int; ALTER TABLE token DROP COLUMN tmp",
    "ALTER TABLE event DETACH PARTITION event_1",
    "ALTER TABLE token ADD COLUMN tmp int; ALTER TABLE token RENAME tmp TO temp",
    "ALTER TABLE issuer RENAME CONSTRAINT issuer_lei_key TO lei_key",
    "ALTER INDEX token_issuer_idx RENAME TO token_by_issuer",
    "DROP INDEX token_issuer_idx",
    "ALTER TABLE token ALTER COLUMN note SET DEFAULT 'none'",
    "ALTER TABLE token ALTER COLUMN symbol DROP NOT NULL",
    "ALTER TABLE token ALTER COLUMN supply DROP DEFAULT, ALTER COLUMN supply SET DEFAULT 1",
    "ALTER TABLE token ALTER COLUMN note DROP DEFAULT",
    "COMMENT ON COLUMN token.note IS 'for people'",
    "GRANT SELECT ON token TO PUBLIC",
    "GRANT USAGE ON SCHEMA archive TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION fee(numeric) TO PUBLIC",
    "CREATE TABLE c (code text PRIMARY KEY); INSERT INTO c VALUES ('ch'), ('de'); UPDATE c SET code = upper(code)",
    "CREATE TABLE c (code text PRIMARY KEY); INSERT INTO c VALUES ('ch'); DELETE FROM c",
    "INSERT INTO issuer (id, name) VALUES (1, 'Genesis')",
    "INSERT INTO token (id, symbol, issuer_id) VALUES (100000, 'X', 424242)",
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM issuer WHERE id = -1) THEN RAISE 'no genesis'; END IF; END $$",
    "UPDATE token SET note = 'x' WHERE id = 3",
    "CREATE OR REPLACE VIEW issuer_names AS SELECT id, name, lei FROM issuer",
    "DROP VIEW issuer_names; CREATE VIEW issuer_names AS SELECT id, name, lei FROM issuer",
    "CREATE OR REPLACE FUNCTION fee(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT amount / 50'",
    "DROP FUNCTION fee(numeric); CREATE FUNCTION fee(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'",
    "ALTER TABLE token ALTER COLUMN code TYPE text",
    "ALTER TABLE issuer DROP CONSTRAINT issuer_postcode_check,"
    " ALTER COLUMN postcode TYPE integer USING postcode::integer",
    "ALTER TABLE token ALTER COLUMN note TYPE integer USING CASE WHEN note ~ '^[0-9]{1,8}$' THEN note::integer END",
    "ALTER TABLE token ALTER COLUMN code TYPE varchar(80)",
    "ALTER TABLE token ALTER COLUMN supply TYPE numeric",
    "ALTER TABLE token ALTER COLUMN supply TYPE numeric(40,18)",
    "ALTER TABLE token ALTER COLUMN price TYPE numeric",
    "ALTER TABLE session ALTER COLUMN id TYPE numeric(78,0)",
    "ALTER TABLE token RENAME TO coin; CREATE VIEW token AS SELECT * FROM coin",
    "ALTER TABLE issuer DROP CONSTRAINT issuer_lei_key, ADD CONSTRAINT lei UNIQUE (lei)",
    "ALTER TABLE session DROP CONSTRAINT session_token_id_fkey",
    "ALTER TABLE token ADD CONSTRAINT positive CHECK (supply >= 0) NOT VALID",
    "ALTER TABLE token ADD CONSTRAINT k UNIQUE (symbol)",
    "ALTER TABLE token ADD FOREIGN KEY (issuer_id) REFERENCES issuer (id) ON DELETE CASCADE",
    "DROP TYPE IF EXISTS never_was; CREATE DOMAIN d AS text; DROP DOMAIN d",
    "CREATE TABLE s (id int); ALTER TABLE s ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE token ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE token ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON token FOR SELECT USING (true)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
    "SET lock_timeout = '2s'; ALTER TABLE token ADD COLUMN z int",
    "REVOKE ALL ON token FROM PUBLIC",
    "ALTER TABLE token ADD COLUMN a int CHECK (a > 0)",
    "CREATE TEMP TABLE t AS SELECT * FROM token; DELETE FROM t; DROP TABLE t",
)  # fmt: skip


def review(server: Server, migration: str, mode: TransactionMode = "block", setup: str = SETUP) -> Report:
    text = f"-- mode: {mode}\n-- setup\n{setup}\n-- migration\n{migration};\n"
    return live(server, example(text, "m"))


@pytest.mark.parametrize("migration", FOUND)
def test_found(server: Server, migration: str) -> None:
    report = review(server, migration)
    found = sorted(f"{f.rule} {f.verdict} {f.certainty}" for f in report.findings if f.rule in MINE)
    assert found == sorted(word.strip() for word in FOUND[migration].split(";"))
    assert all(f.message and "\n" not in f.message for f in report.findings)


@pytest.mark.parametrize("migration", INNOCENT)
def test_innocent(server: Server, migration: str) -> None:
    report = review(server, migration)
    loud = [f for f in report.findings if f.rule in MINE or f.verdict.at_least(Verdict.BREAKS_APP)]
    assert not loud, [(f.rule, f.verdict, f.message) for f in loud]


def test_what_follows_from_an_error_is_not_reported_again(server: Server) -> None:
    report = review(server, "ALTER TABLE token ADD COLUMN c int DEFAULT 'x'; ALTER TABLE token RENAME COLUMN c TO d")
    assert [(f.rule, f.line) for f in report.findings if f.rule in MINE] == [
        ("failing-statement", report.findings[0].line)
    ]
    assert "ADD COLUMN" in report.findings[0].statement


def test_a_seed_row_that_made_up_rows_forestall_is_skipped(server: Server) -> None:
    report = review(server, "INSERT INTO issuer (id, name) VALUES (1, 'Genesis')")
    assert [s.statement for s in report.skipped] == ["INSERT INTO issuer (id, name) VALUES (1, 'Genesis')"]


@pytest.mark.parametrize("build", ("", "IF NOT EXISTS "))
def test_a_failed_concurrent_build_leaves_an_invalid_index(server: Server, build: str) -> None:
    setup = "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL);"
    report = review(
        server,
        f"ALTER TABLE t ADD COLUMN c int DEFAULT 0; CREATE UNIQUE INDEX CONCURRENTLY {build}c_key ON t (c)",
        mode="autocommit",
        setup=setup,
    )
    assert {f.rule for f in report.findings} >= {"duplicate-values", "invalid-index-left"}


REMEDIES = (
    "ALTER TABLE token ADD COLUMN decimals integer NOT NULL",
    "ALTER TABLE token ALTER COLUMN note SET NOT NULL",
    "ALTER TABLE token ADD COLUMN c int DEFAULT 0 UNIQUE",
    "ALTER TABLE token ALTER COLUMN supply TYPE numeric(30,2)",
    "ALTER TABLE token ALTER COLUMN holders TYPE integer",
    "ALTER TABLE token DROP COLUMN symbol",
    "DROP TABLE session",
    "ALTER TABLE token RENAME COLUMN note TO memo",
    "ALTER TABLE token RENAME TO coin",
    "ALTER TYPE status RENAME VALUE 'open' TO 'live'",
    "DELETE FROM session",
    "TRUNCATE token CASCADE",
    "DROP TYPE status CASCADE",
    "CREATE TABLE trade (id bigint PRIMARY KEY, token_id bigint REFERENCES token)",
    "ALTER TABLE token ALTER COLUMN supply DROP DEFAULT",
    "ALTER TABLE issuer DROP CONSTRAINT issuer_lei_key",
)


@pytest.mark.parametrize("migration", REMEDIES)
def test_remedies_run(server: Server, migration: str) -> None:
    """From the schema before (after it, for what is to be added later) to the end, statement by statement."""
    finding = next(f for f in review(server, migration).findings if f.rule in MINE)
    assert finding.remedy is not None
    with server.database() as database, server.connect(database) as session:
        session.run(SETUP)
        session.run("INSERT INTO issuer VALUES (1, 'a'); INSERT INTO token (id, symbol, issuer_id) VALUES (1, 'b', 1)")
        if finding.rule == "missing-foreign-key-index":
            session.run(migration)
        for statement in parse(finding.remedy.sql, "remedy.sql"):
            session.run(statement.text)
