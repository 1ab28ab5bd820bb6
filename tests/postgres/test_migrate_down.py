"""Ways back, derived and proved on a server: what they say, what they bring back, what they name as lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pgassay.catalog import compare, read
from pgassay.migrate.down import Grounds, derive, identities
from pgassay.model import Migration, Project, Runner
from pgassay.server import Server
from pgassay.sql import parse
from pgassay.workflows.migrate_down import DownOptions, Way, ways_back
from tests.postgres.schemas import Schema
from tests.postgres.test_ddl_laws import become, run, template, unordered
from tests.postgres.test_rules import RULES, example

__all__ = ["template"]

BASE = """
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x');
CREATE TABLE wallet (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, mood mood NOT NULL DEFAULT 'calm',
  note text, amount numeric(30,18) NOT NULL DEFAULT 0, small integer);
CREATE TABLE transfer (
  id bigint PRIMARY KEY, wallet_id bigint NOT NULL REFERENCES wallet, memo varchar(10) DEFAULT 'none');
CREATE INDEX transfer_memo ON transfer (memo);
CREATE TABLE role (name text PRIMARY KEY, rank int);
CREATE TABLE part (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE part_one PARTITION OF part FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$;
CREATE TABLE holder (
  id bigint PRIMARY KEY, at address NOT NULL, note text, touched int NOT NULL DEFAULT 0,
  twice int GENERATED ALWAYS AS (touched * 2) STORED);
CREATE TRIGGER touch BEFORE UPDATE ON holder FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE holder ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY every ON holder USING (true);
CREATE TABLE keyless (a int, b text);
CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM keyless;
CREATE VIEW memos AS SELECT memo FROM transfer;
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE EXTENSION citext;
"""

Go = Callable[..., Way]


def project_of(up: str, down: str | None = None, base: str = BASE) -> Project:
    def migration(name: str, text: str, back: str | None = None) -> Migration:
        path = f"{name}.sql"
        statements = parse(text, path)
        mode = "autocommit" if "CONCURRENTLY" in text or "pgassay: apart" in text else "block"
        return Migration(
            name=name, path=path, text=text, statements=statements, mode=mode,  # type: ignore[arg-type]
            down=None if back is None else parse(back, path),
        )  # fmt: skip

    migrations = (migration("0_base", base), migration("1_up", up, down))
    return Project(kind="sql", path=".", runner=Runner(name="psql"), migrations=migrations)


@pytest.fixture
def go(server: Server) -> Go:
    def there_and_back(up: str, down: str | None = None, *, park: bool = False, base: str = BASE) -> Way:
        project = project_of(up, down, base)
        options = DownOptions(rows=40, park=park, prove=True)
        (way,) = ways_back(server, project, project.migrations[1:], options, lambda _: None).ways
        return way

    return there_and_back


# Everything comes back, and the way back is these statements.
PROVED = {
    "ALTER TABLE wallet RENAME COLUMN note TO remark": ["ALTER TABLE public.wallet RENAME COLUMN remark TO note"],
    "ALTER TABLE transfer RENAME TO movement": ["ALTER TABLE public.movement RENAME TO transfer"],
    "ALTER TYPE mood RENAME VALUE 'wild' TO 'mad'": ["ALTER TYPE public.mood RENAME VALUE 'mad' TO 'wild'"],
    "ALTER FUNCTION one() RENAME TO uno": ["ALTER FUNCTION public.uno() RENAME TO one"],
    "DO $$ BEGIN ALTER INDEX transfer_memo RENAME TO tm; END $$": ["ALTER INDEX public.tm RENAME TO transfer_memo"],
    "CREATE SCHEMA ledger; ALTER TABLE transfer SET SCHEMA ledger": [
        "ALTER TABLE ledger.transfer SET SCHEMA public", "DROP SCHEMA ledger",
    ],
    "ALTER TABLE wallet ALTER note SET NOT NULL": ["ALTER TABLE public.wallet ALTER COLUMN note DROP NOT NULL"],
    "ALTER TABLE wallet ALTER name DROP NOT NULL": ["ALTER TABLE public.wallet ALTER COLUMN name SET NOT NULL"],
    "ALTER TABLE transfer ALTER memo DROP DEFAULT": [
        "ALTER TABLE ONLY public.transfer ALTER COLUMN memo SET DEFAULT 'none'::character varying"
    ],
    "ALTER TABLE wallet ALTER small TYPE bigint": ["ALTER TABLE public.wallet ALTER COLUMN small TYPE integer"],
    "CREATE INDEX CONCURRENTLY t ON transfer (id, memo)": ["DROP INDEX CONCURRENTLY public.t"],
    "DROP INDEX CONCURRENTLY transfer_memo": [
        "CREATE INDEX CONCURRENTLY transfer_memo ON public.transfer USING btree (memo)"
    ],
    "DROP EXTENSION citext": ["CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public"],
    "INSERT INTO role VALUES ('admin', 1), ('it''s', NULL)": [
        "DELETE FROM public.role WHERE name IN ('admin', 'it''s')"
    ],
    "INSERT INTO wallet (name) VALUES ('treasury')": ["DELETE FROM public.wallet WHERE name IN ('treasury')"],
}  # fmt: skip


@pytest.mark.parametrize("up", PROVED)
def test_proved(go: Go, up: str) -> None:
    way = go(up)
    assert (way.verdict, way.trial.reason) == ("proved", None)
    assert list(way.statements or ()) == PROVED[up]


@pytest.mark.parametrize(
    "up",
    [
        "ALTER TYPE mood ADD VALUE 'furious'",
        "ALTER TABLE part DETACH PARTITION part_one",
        "DROP VIEW memos; ALTER TABLE transfer ALTER memo TYPE text; CREATE VIEW memos AS SELECT memo FROM transfer",
        "ALTER TABLE wallet RENAME note TO remark; ALTER TABLE wallet ADD note int",
        "ALTER TABLE wallet RENAME name TO x; ALTER TABLE wallet RENAME note TO name;"
        " ALTER TABLE wallet RENAME x TO note",
        "ALTER TABLE transfer RENAME TO t; CREATE VIEW transfer AS SELECT * FROM t",
        "ALTER TABLE wallet ADD level int DEFAULT 3; CREATE TABLE level (id int PRIMARY KEY)",
        "ALTER TABLE transfer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
        " CREATE POLICY p ON transfer USING (id > 0)",
    ],
)
def test_everything_comes_back(go: Go, up: str) -> None:
    way = go(up)
    assert (way.verdict, way.trial.reason) == ("proved", None)


# What the way back alone cannot bring back, named; and brought back once it is parked.
LOST = {
    "ALTER TABLE wallet DROP COLUMN note": "every value of public.wallet.note",
    "ALTER TABLE wallet DROP COLUMN mood": "every value of public.wallet.mood",
    "DROP TABLE role": "every row of public.role",
    "ALTER TABLE wallet ALTER amount TYPE numeric(30,2)": "the old values of public.wallet.amount",
    "UPDATE wallet SET note = 'x'": "the old values of public.wallet.note",
    "DELETE FROM transfer": "rows of public.transfer",
    "ALTER TABLE wallet ALTER mood DROP DEFAULT, ALTER mood TYPE int USING length(mood::text)": "public.wallet.mood",
    "TRUNCATE transfer, wallet": "rows of public.wallet",
    "DROP TYPE mood CASCADE": "every value of public.wallet.mood",
    "ALTER TABLE holder DROP COLUMN note": "every value of public.holder.note",
    "ALTER TABLE holder DROP COLUMN at": "every value of public.holder.at",
    "DELETE FROM holder": "rows of public.holder",
    "DROP TABLE holder": "every row of public.holder",
    "DROP MATERIALIZED VIEW sums; DROP TABLE keyless": "every row of public.keyless",
    "DROP TABLE part": "every row of public.part_one",
    "ALTER TYPE mood RENAME TO m; CREATE TYPE mood AS ENUM ('calm'); UPDATE wallet SET mood = 'calm';"
    " ALTER TABLE wallet ALTER mood DROP DEFAULT, ALTER mood TYPE mood USING mood::text::mood; DROP TYPE m;"
    " ALTER TABLE wallet ALTER mood SET DEFAULT 'calm'": "the old values of public.wallet.mood",
}


@pytest.mark.parametrize("up", LOST)
def test_what_is_lost_is_counted_and_parked(go: Go, up: str) -> None:
    way = go(up, park=True)
    assert way.verdict in ("loses-data", "fails"), way.trial.reason
    lost = next(lost for lost in way.trial.lost if lost.when == "forward" and LOST[up] in lost.what)
    assert lost.rows > 0
    assert way.offer is not None
    assert way.offer.trial.verdict == "proved", way.offer.trial.reason


def test_a_unique_required_column_needs_parking(go: Go) -> None:
    way = go("ALTER TABLE wallet DROP COLUMN name", park=True)
    assert way.verdict == "fails"
    assert way.trial.lost[0].rows == 40
    assert way.offer is not None
    assert way.offer.trial.verdict == "proved"


def test_without_a_key_values_cannot_be_parked(go: Go) -> None:
    way = go("ALTER TABLE keyless DROP COLUMN b", park=True)
    assert way.verdict == "loses-data"
    assert way.offer is not None
    assert "has no key" in way.offer.left_out[0]
    assert way.offer.trial.verdict == "fails"


def test_a_table_that_others_point_at_needs_parking(go: Go) -> None:
    way = go("DROP TABLE wallet CASCADE", park=True)
    assert way.verdict == "fails"
    assert "violates foreign key" in (way.trial.reason or "")
    assert way.offer is not None
    assert way.offer.trial.verdict == "proved"


@pytest.mark.parametrize(
    ("up", "words"),
    [
        (
            "UPDATE wallet SET note = NULL WHERE name = 'nobody'",
            "public.wallet.note, which the migration may overwrite",
        ),
        ("DELETE FROM role WHERE rank = -77", "rows of public.role, which the migration may delete"),
    ],
)
def test_what_no_made_up_row_shows_is_no_proof(go: Go, up: str, words: str) -> None:
    way = go(up, "SELECT 1")
    assert way.verdict == "loses-data"
    assert words in (way.trial.reason or "")


def test_values_that_a_way_back_restores_are_proved(go: Go) -> None:
    way = go("UPDATE wallet SET amount = amount + 1", "UPDATE wallet SET amount = amount - 1")
    assert (way.verdict, way.trial.reason) == ("proved", None)


def test_a_block_is_told(go: Go) -> None:
    assert "DO block" in go("DO $$ BEGIN PERFORM 1; END $$").notes[0]


def test_what_stops_a_way_back_later_is_said(go: Go) -> None:
    way = go("DROP VIEW memos; ALTER TABLE transfer ALTER memo TYPE varchar(99)")
    said = {lost.what for lost in way.trial.lost}
    assert "public.transfer.memo: the way back stops, changing nothing, at a value longer than 10 written since" in said


# Ways back that somebody wrote.


def test_a_good_one_is_proved(go: Go) -> None:
    way = go("ALTER TABLE wallet ADD level int", "ALTER TABLE wallet DROP COLUMN level")
    assert (way.own, way.verdict) == (True, "proved")


@pytest.mark.parametrize(
    ("up", "down", "verdict", "words"),
    [
        ("ALTER TABLE wallet ADD level int", "ALTER TABLE wallet DROP COLUMN levle", "fails", "levle"),
        ("ALTER TABLE wallet ADD level int", "SELECT 1", "differs", "column public.wallet.level"),
        (
            "ALTER TABLE wallet RENAME note TO n",
            "ALTER TABLE wallet DROP n, ADD note text",
            "loses-data",
            "wallet.note",
        ),
        ("INSERT INTO role VALUES ('a')", "SELECT 1", "fails", "no longer runs"),
        ("CREATE TABLE x (a int)", "DROP TABLE x; DELETE FROM transfer", "loses-data", "rows of public.transfer"),
    ],
)
def test_a_bad_one_is_told(go: Go, up: str, down: str, verdict: str, words: str) -> None:
    way = go(up, down)
    assert way.verdict == verdict
    assert words in (way.trial.reason or "")


def test_a_migration_that_fails_has_none(go: Go) -> None:
    way = go("ALTER TABLE wallet ADD name int")
    assert (way.verdict, way.statements) == ("none", None)
    assert "the migration fails" in (way.trial.reason or "")


# Every rule's examples: everything comes back, at least with the migration that parks what this one destroys; or not,
# for a reason that is said.

UNPROVABLE = {
    "impossible-type-change/bad.sql": "the migration fails",
    "concurrently-in-transaction/bad.sql": "the migration fails",
    "failing-statement/bad.sql": "the migration fails",
    "role-past-row-security/bad.sql": "permission denied to create role",  # which no owner of a scratch database may
    "invalid-index-left/good.sql": "is invalid and cannot be made again",
}
PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_every_example_has_a_way_back(server: Server, part: int) -> None:
    ways = {}
    for rule in RULES[part::PARTS]:
        for file, sql in (("bad.sql", rule.bad), ("good.sql", rule.good)):
            shown = example(sql, rule.id)
            options = DownOptions(rows=20, park=True)
            for way in ways_back(server, shown.project, shown.pending, options, lambda _: None).ways:
                ways[f"{rule.id}/{file}", way.migration.name] = way
    wrong = {
        key: (way.verdict, way.trial.reason)
        for key, way in ways.items()
        if not way.proved and UNPROVABLE.get(key[0], "proved") not in (way.trial.reason or "")
    }
    assert wrong == {}
    assert len(ways) > 20


# The law: from one made-up schema to another, the derived way back leads to the first.


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_the_way_back_of_made_up_schemas(server: Server, template: str, seed: int) -> None:
    with server.database(template) as name, server.database(template) as other:
        with server.connect(name) as session:
            session.run(";\n".join(Schema(seed).statements()))
            before, names = read(session), identities(session)
            with server.connect(other) as second:
                second.run(";\n".join(Schema(seed + 50, seed, 0.2).statements()))
                after = read(second)
            become(session, lambda: read(session), before, after)
        with server.database(name) as copy, server.connect(copy) as session:
            draft = derive(session, Grounds(before=before, names=names))
        with server.connect(name) as session:
            run(session, draft.steps)
            assert [str(change) for change in compare(unordered(before), unordered(read(session)))] == []
