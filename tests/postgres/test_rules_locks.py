"""One line each: what locks and runners make of a statement, on a real server, and what they must not be blamed for.

``None``: no finding of the families ``locks`` and ``runner``. Several sections (``-- migration``) are several files.
"""

from __future__ import annotations

import pytest

from pgassay.model import Migration, Report, Verdict
from pgassay.rules import registry
from pgassay.server import Server
from pgassay.sql import parse
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.review import review_statements
from tests.postgres.test_rules import example, live

MINE = {rule.id for rule in registry() if rule.family in {"locks", "runner"}}

T = "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, n int, s varchar(10), v text, q numeric(10,2), ts timestamp);"
U = "CREATE TABLE u (id int PRIMARY KEY, b int NOT NULL);"
R = """CREATE TABLE r (k int NOT NULL, v text) PARTITION BY RANGE (k);
    CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (100000);"""
AUTO = "-- mode: autocommit\n-- migration\n"
QUERY = "-- mode: query\n-- migration\n"
TOGETHER = "-- runner: one-transaction\n-- migration\n"

CASES: list[tuple[str, str, str | None]] = [
    # Columns
    (T, "ALTER TABLE t ADD COLUMN x int", None),
    (T, "ALTER TABLE t ADD COLUMN x int DEFAULT 7", None),
    (T, "ALTER TABLE t ADD COLUMN x int NOT NULL DEFAULT 7", None),
    (T, "ALTER TABLE t ADD COLUMN x timestamptz NOT NULL DEFAULT now()", None),
    (T, "ALTER TABLE t ADD COLUMN x text NOT NULL DEFAULT current_user", None),
    (T, "ALTER TABLE t ADD COLUMN x jsonb NOT NULL DEFAULT '{}'::jsonb", None),
    (T, "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a * 2) VIRTUAL", None),
    (T, "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a * 2) STORED", "rewriting-column-added blocks"),
    (T, "ALTER TABLE t ADD COLUMN x uuid DEFAULT gen_random_uuid()", "rewriting-column-added blocks"),
    (T, "ALTER TABLE t ADD COLUMN x timestamptz DEFAULT clock_timestamp()", "rewriting-column-added blocks"),
    (T, "ALTER TABLE t ADD COLUMN x bigserial", "rewriting-column-added blocks"),
    (T, "ALTER TABLE t ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY", "rewriting-column-added blocks"),
    (T, "ALTER TABLE t ADD COLUMN x int CHECK (x > 0)", "validating-check blocks"),
    (T, "ALTER TABLE t ADD COLUMN x int UNIQUE", "blocking-unique-constraint blocks"),
    (T + U, "ALTER TABLE t ADD COLUMN x int REFERENCES u (id)", None),
    (T, "ALTER TABLE t ALTER COLUMN n SET DEFAULT random()", None),
    (T, "ALTER TABLE t ALTER COLUMN a DROP NOT NULL", None),
    (T, "ALTER TABLE t ALTER COLUMN s SET STATISTICS 500", None),
    (T, "CREATE TABLE x (id serial PRIMARY KEY); ALTER TABLE x ADD COLUMN y uuid DEFAULT gen_random_uuid()", None),
    # Types
    (T, "ALTER TABLE t ALTER COLUMN s TYPE varchar(20)", None),
    (T, "ALTER TABLE t ALTER COLUMN s TYPE varchar", None),
    (T, "ALTER TABLE t ALTER COLUMN s TYPE text", None),
    (T, "ALTER TABLE t ALTER COLUMN v TYPE varchar", None),
    (T, "ALTER TABLE t ALTER COLUMN q TYPE numeric(20,2)", None),
    (T, "ALTER TABLE t ALTER COLUMN q TYPE numeric", None),
    (T, "ALTER TABLE t ALTER COLUMN q TYPE numeric(20,4)", "rewriting-type-change blocks"),
    (T, "SET TimeZone = 'UTC'; ALTER TABLE t ALTER COLUMN ts TYPE timestamptz", None),
    (
        T,
        "SET TimeZone = 'Europe/Zurich'; ALTER TABLE t ALTER COLUMN ts TYPE timestamptz",
        "rewriting-type-change blocks",
    ),
    (T, "ALTER TABLE t ALTER COLUMN a TYPE bigint", "rewriting-type-change blocks"),
    (T, "ALTER TABLE t ALTER COLUMN a TYPE numeric(78,0)", "rewriting-type-change blocks"),
    (T, "ALTER TABLE t ALTER COLUMN a TYPE text USING a::text", "rewriting-type-change blocks"),
    (T + "CREATE INDEX ON t (s);", "ALTER TABLE t ALTER COLUMN s TYPE text", None),
    (
        T + "CREATE INDEX ON t (s);",
        'ALTER TABLE t ALTER COLUMN s TYPE text COLLATE "C"',
        "rewriting-type-change blocks",
    ),
    (
        T + "ALTER TABLE t ADD CHECK (s <> '');",
        "ALTER TABLE t ALTER COLUMN s TYPE text",
        "rewriting-type-change blocks",
    ),
    # Indexes
    (T, "CREATE INDEX ON t (a)", "blocking-index-build blocks"),
    (T, "CREATE UNIQUE INDEX t_a ON t (a)", "blocking-index-build blocks"),
    (T, AUTO + "CREATE INDEX CONCURRENTLY t_a ON t (a)", None),
    (T, QUERY + "CREATE INDEX CONCURRENTLY t_a ON t (a)", None),
    (T, QUERY + "CREATE INDEX CONCURRENTLY t_a ON t (a); SELECT 1", "concurrently-in-transaction fails"),
    (T, "CREATE INDEX CONCURRENTLY t_a ON t (a)", "concurrently-in-transaction fails"),
    (T, AUTO + "BEGIN; CREATE INDEX CONCURRENTLY t_a ON t (a); COMMIT", "concurrently-in-transaction fails"),
    (T, TOGETHER + "REINDEX TABLE CONCURRENTLY t", "concurrently-in-transaction fails"),
    (T, "VACUUM t", "concurrently-in-transaction fails"),
    (T, AUTO + "VACUUM t", None),
    (T, AUTO + "VACUUM FULL t", "blocking-table-rewrite blocks"),
    (T, "CLUSTER t USING t_pkey", "blocking-table-rewrite blocks"),
    (T, "CREATE TABLE x (a int); CREATE INDEX ON x (a)", None),
    (T, "CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX ON t (a)", "blocking-index-build blocks"),
    (T, "ALTER TABLE t ADD COLUMN x int; CREATE INDEX ON t (x)", "blocking-index-build blocks"),
    (T, "ALTER TABLE t RENAME TO w; CREATE INDEX ON w (a)", "blocking-index-build blocks"),
    (T, "CREATE TEMP TABLE x (a int); CREATE INDEX ON x (a)", None),
    (R, "CREATE INDEX ON r (v)", "blocking-index-build blocks"),
    (R, "CREATE INDEX r_v ON ONLY r (v)", None),
    (T + "CREATE INDEX t_a ON t (a);", "DROP INDEX t_a", "blocking-index-drop blocks"),
    (T, "CREATE INDEX t_a ON t (a) WHERE false; DROP INDEX t_a", "blocking-index-build blocks"),
    (T + "CREATE INDEX t_a ON t (a);", AUTO + "DROP INDEX CONCURRENTLY t_a", None),
    (T, "DROP INDEX IF EXISTS nothing", None),
    (T + "CREATE INDEX t_a ON t (a);", "ALTER INDEX t_a RENAME TO t_b", None),
    (T, "REINDEX INDEX t_pkey", "blocking-reindex blocks"),
    (T, AUTO + "REINDEX TABLE CONCURRENTLY t", None),
    # Constraints
    (T + U, "ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES u (id)", "validating-foreign-key blocks"),
    (T + U, "ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES u (id) NOT VALID", None),
    (U, "CREATE TABLE x (id int PRIMARY KEY, u_id int REFERENCES u (id)); CREATE INDEX ON x (u_id)", None),
    (U, "CREATE TABLE x (u_id int); ALTER TABLE x ADD FOREIGN KEY (u_id) REFERENCES u (id)", None),
    (T, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > -1)", "validating-check blocks"),
    (T, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > -1) NOT VALID", None),
    (
        T,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > -1) NOT VALID;\n-- migration\nALTER TABLE t VALIDATE CONSTRAINT c",
        None,
    ),
    (
        T,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > -1) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c",
        "validation-under-strong-lock blocks",
    ),
    (
        T,
        TOGETHER + "ALTER TABLE t ADD CONSTRAINT c CHECK (a > -1) NOT VALID;\n-- migration\n"
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        "validation-under-strong-lock blocks",
    ),
    (
        T + "ALTER TABLE t ALTER COLUMN n SET DEFAULT 0;",
        AUTO + "UPDATE t SET n = 0 WHERE n IS NULL; ALTER TABLE t ALTER COLUMN n SET NOT NULL",
        "validating-not-null blocks",
    ),
    (T + "ALTER TABLE t ADD CHECK (n IS NOT NULL);", "ALTER TABLE t ALTER COLUMN n SET NOT NULL", None),
    (
        T + "ALTER TABLE t ADD CONSTRAINT c CHECK (n IS NOT NULL);",
        "ALTER TABLE t ALTER COLUMN n SET NOT NULL, DROP CONSTRAINT c",
        "validating-not-null blocks",
    ),
    (T, "ALTER TABLE t ALTER COLUMN a SET NOT NULL", None),
    (
        T,
        "ALTER TABLE t ADD COLUMN x int DEFAULT 0; ALTER TABLE t ALTER COLUMN x SET NOT NULL",
        "validating-not-null blocks",
    ),
    (T, "ALTER TABLE t ADD CONSTRAINT t_a UNIQUE (a)", "blocking-unique-constraint blocks"),
    (T + "CREATE UNIQUE INDEX t_a ON t (a);", "ALTER TABLE t ADD CONSTRAINT t_a UNIQUE USING INDEX t_a", None),
    ("CREATE TABLE x (a int NOT NULL);", "ALTER TABLE x ADD PRIMARY KEY (a)", "blocking-primary-key blocks"),
    (
        "CREATE TABLE x (a int NOT NULL); CREATE UNIQUE INDEX x_pkey ON x (a);",
        "ALTER TABLE x ADD PRIMARY KEY USING INDEX x_pkey",
        None,
    ),
    (T, "ALTER TABLE t DROP CONSTRAINT t_pkey", None),
    # Partitions
    (R, "CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (100000) TO (200000)", None),
    (R, "CREATE TABLE r2 (LIKE r); ALTER TABLE r ATTACH PARTITION r2 FOR VALUES FROM (100000) TO (200000)", None),
    (R, "ALTER TABLE r DETACH PARTITION r1", "blocking-partition-detach blocks"),
    (R, AUTO + "ALTER TABLE r DETACH PARTITION r1 CONCURRENTLY", None),
    (R, "ALTER TABLE r ADD COLUMN x int", None),
    (
        R + "CREATE TABLE r2 (k int NOT NULL, v text);",
        "ALTER TABLE r ATTACH PARTITION r2 FOR VALUES FROM (100000) TO (200000)",
        "scanning-partition-attach blocks",
    ),
    (
        R + "CREATE TABLE r2 (k int NOT NULL, v text, CHECK (k >= 100000 AND k < 200000));",
        "ALTER TABLE r ATTACH PARTITION r2 FOR VALUES FROM (100000) TO (200000)",
        None,
    ),
    (
        "CREATE TABLE r (k int NOT NULL, v text) PARTITION BY RANGE (k); CREATE TABLE rest PARTITION OF r DEFAULT;",
        "CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (100000) TO (200000)",
        "scanning-partition-attach blocks",
    ),
    # Locks that stay
    (T + U, "ALTER TABLE t ADD COLUMN x int; ALTER TABLE t ADD COLUMN y int", None),
    (T + U, "ALTER TABLE t ADD COLUMN x int; ALTER TABLE u ADD COLUMN x int", "two-tables-locked slows"),
    (T + U, "ALTER TABLE t ADD COLUMN x int;\n-- migration\nALTER TABLE u ADD COLUMN x int", None),
    (
        T + U,
        TOGETHER + "ALTER TABLE t ADD COLUMN x int;\n-- migration\nALTER TABLE u ADD COLUMN x int",
        "two-tables-locked slows",
    ),
    (T + U, AUTO + "ALTER TABLE t ADD COLUMN x int; ALTER TABLE u ADD COLUMN x int", None),
    (T + U, "DROP TABLE t; DROP TABLE u", None),
    (T + U, "ALTER TABLE t ADD COLUMN x int; UPDATE u SET b = b + 1", "lock-held-across-statements blocks"),
    (T + U, "ALTER TABLE t ADD COLUMN x int; UPDATE u SET b = 1 WHERE id = 7", None),
    (T + U, "ALTER TABLE t ADD COLUMN x int; INSERT INTO u VALUES (-1, 1)", None),
    (T + U, AUTO + "ALTER TABLE t ADD COLUMN x int; UPDATE u SET b = b + 1", None),
    (
        T + U,
        TOGETHER + "ALTER TABLE t ADD COLUMN x int;\n-- migration\nUPDATE u SET b = b + 1",
        "locks-held-across-files blocks",
    ),
    (T, "LOCK TABLE t", "explicit-table-lock blocks"),
    (T, "LOCK TABLE t IN ROW EXCLUSIVE MODE", None),
    (T, "CREATE TABLE x (a int); LOCK TABLE x", None),
    (T, "ALTER TABLE t SET UNLOGGED", "blocking-table-rewrite blocks"),
    (T, "ALTER TABLE t SET (fillfactor = 80)", None),
    (T + "CREATE MATERIALIZED VIEW m AS SELECT id FROM t;", "REFRESH MATERIALIZED VIEW m", "blocking-refresh blocks"),
    (T, "CREATE MATERIALIZED VIEW m AS SELECT id FROM t WITH NO DATA; REFRESH MATERIALIZED VIEW m", None),
    # Work that the text does not tell
    (
        "CREATE DOMAIN d AS int; CREATE TABLE x (a d NOT NULL);",
        "ALTER DOMAIN d ADD CHECK (VALUE > -1)",
        "blocking-work blocks",
    ),
    (
        T + U,
        "DO $$ BEGIN ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES u (id); END $$",
        "blocking-work blocks",
    ),
    (T, "DO $$ BEGIN PERFORM count(*) FROM t; END $$", None),
    (T, "CREATE TABLE x AS SELECT * FROM t", None),
    (T, "CREATE VIEW w AS SELECT id FROM t", None),
    # Runners
    (
        "CREATE TYPE e AS ENUM ('a');",
        "ALTER TYPE e ADD VALUE 'b'; CREATE TABLE x (c e DEFAULT 'b')",
        "enum-value-used-too-early fails",
    ),
    ("CREATE TYPE e AS ENUM ('a');", AUTO + "ALTER TYPE e ADD VALUE 'b'; CREATE TABLE x (c e DEFAULT 'b')", None),
    ("", "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE x (c e DEFAULT 'b')", None),
    (T, "BEGIN; ALTER TABLE t ADD COLUMN x int; COMMIT", "own-transaction-control slows"),
    (T, QUERY + "BEGIN; ALTER TABLE t ADD COLUMN x int; COMMIT", None),
]


@pytest.mark.parametrize(("setup", "migration", "expected"), CASES, ids=lambda v: str(v)[:80].replace("\n", " "))
def test_verdict(server: Server, setup: str, migration: str, expected: str | None) -> None:
    text = migration if migration.startswith("--") else f"-- migration\n{migration}"
    report = live(server, example(f"-- setup\n{setup}\n{text}\n", "case"))
    found = {f"{f.rule} {f.verdict}" for f in report.findings if f.rule in MINE}
    assert found == ({expected} if expected else set()), [(f.rule, f.verdict, f.message) for f in report.findings]


@pytest.mark.parametrize(
    "migration", ["CREATE INDEX ON t (a)", "DROP INDEX t_a", "ALTER TABLE t ALTER COLUMN a TYPE bigint"]
)
def test_known_to_be_tiny(server: Server, migration: str) -> None:
    shown = example(f"-- setup\n{T} CREATE INDEX t_a ON t (a);\n-- migration\n{migration};\n", "tiny")
    counts = {"t": 300}
    options = ReviewOptions(rows=100, table_rows=counts)
    report = review_statements(server, shown.project, deployed=shown.setup, pending=shown.pending, options=options)
    assert not [f for f in report.findings if f.rule in MINE], counts


# Rules for which PostgreSQL has no way without the wait, or whose remedy is a matter of what is deployed when.
PATIENT = {"blocking-exclusion-constraint", "blocking-table-rewrite", "blocking-work"}
APART = {"explicit-table-lock", "lock-held-across-statements", "locks-held-across-files", "two-tables-locked",
         "validation-under-strong-lock", "enum-value-used-too-early"}  # fmt: skip
WHOLE = {"own-transaction-control"}  # its remedy is the whole file
FOLDERS = {"silently-skipped-migration", "edited-migration"}


def remedied(server: Server, text: str, rule: str, *, alone: bool = False) -> tuple[str, Report]:
    """The remedy that a rule gives for an example, and what a review says of it, sent statement by statement."""
    shown = example(text, rule)
    [finding, *_] = [f for f in live(server, shown).findings if f.rule == rule]
    assert finding.remedy is not None
    before = [s for m in shown.pending for s in m.statements if s.path == finding.path and s.line < finding.line]
    sql = "\n".join([*(f"{s.text};" for s in before if not alone and rule not in APART | WHOLE), finding.remedy.sql])
    remedy = Migration(
        name="remedy", path="remedy.sql", text=sql, statements=parse(sql, "remedy.sql"), mode="autocommit"
    )
    options = ReviewOptions(rows=shown.rows)
    return sql, review_statements(server, shown.project, deployed=shown.setup, pending=(remedy,), options=options)


@pytest.mark.parametrize("rule", sorted(MINE - PATIENT - APART - FOLDERS))
def test_remedy_removes_the_finding(server: Server, rule: str) -> None:
    page = next(r for r in registry() if r.id == rule)
    sql, report = remedied(server, page.bad, rule)
    still = [f for f in report.findings if f.verdict is Verdict.FAILS or (f.rule in MINE and f.verdict is page.verdict)]
    assert not still, (sql, [(f.rule, f.verdict, f.message, f.evidence) for f in still])


REMEDIES = [
    (T, "ALTER TABLE t ADD COLUMN x bigserial", "rewriting-column-added"),
    (T, "ALTER TABLE t ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY", "rewriting-column-added"),
    (T, "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a * 2) STORED", "rewriting-column-added"),
    (T, "ALTER TABLE t ALTER COLUMN a TYPE bigint USING a::bigint, ALTER id TYPE bigint", "rewriting-type-change"),
    (T, "ALTER TABLE t ADD COLUMN x int CHECK (x > 0), ADD CHECK (a > -1), ADD COLUMN y int", "validating-check"),
    (T + U, "ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES u ON DELETE CASCADE, ADD y int", "validating-foreign-key"),
    (T, "ALTER TABLE t ADD COLUMN x int UNIQUE, ADD COLUMN y int", "blocking-unique-constraint"),
    (T, "ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a) INCLUDE (v) DEFERRABLE", "blocking-unique-constraint"),
    (T, "ALTER TABLE t ADD COLUMN x int DEFAULT 0; ALTER TABLE t ALTER COLUMN x SET NOT NULL", "validating-not-null"),
    (R, "CREATE INDEX r_v ON r USING hash (v)", "blocking-index-build"),
    (R, "CREATE INDEX ON r (v, lower(v) DESC)", "blocking-index-build"),
    (
        T + "CREATE INDEX t_a ON t (a); CREATE INDEX t_n ON t (n);",
        "DROP INDEX IF EXISTS t_a, t_n",
        "blocking-index-drop",
    ),
    (T, TOGETHER + "CREATE INDEX t_a ON t (a)", "blocking-index-build"),
    (T, TOGETHER + "ALTER TABLE t ADD UNIQUE (a)", "blocking-unique-constraint"),
    ('CREATE TABLE "Tt" ("Id" int NOT NULL);', 'ALTER TABLE "Tt" ADD PRIMARY KEY ("Id")', "blocking-primary-key"),
    ('CREATE TABLE "Tt" ("Id" int NOT NULL);', 'CREATE INDEX ON "Tt" ("Id")', "blocking-index-build"),
]


@pytest.mark.parametrize(("setup", "migration", "rule"), REMEDIES, ids=lambda v: str(v)[:60].replace("\n", " "))
def test_remedies_of_variants(server: Server, setup: str, migration: str, rule: str) -> None:
    text = migration if migration.startswith("--") else f"-- migration\n{migration}"
    whole = "SET NOT NULL" in migration
    sql, report = remedied(server, f"-- setup\n{setup}\n{text}\n", rule, alone=whole)
    still = [f for f in report.findings if f.verdict is Verdict.FAILS or f.rule in MINE]
    assert not still, (sql, [(f.rule, f.verdict, f.message, f.evidence) for f in still])


@pytest.mark.parametrize("rule", sorted(PATIENT | APART))
def test_remedy_runs(server: Server, rule: str) -> None:
    page = next(r for r in registry() if r.id == rule)
    if rule == "validation-under-strong-lock":
        text = page.bad.replace("-- migration\nALTER", "ALTER", 1).replace("NOT VALID;", "NOT VALID;\n-- migration")
        assert not [f for f in live(server, example(text, rule)).findings if f.rule in MINE]
        return
    remedy, report = remedied(server, page.bad, rule)
    assert not [f for f in report.findings if f.verdict is Verdict.FAILS], remedy
