"""Schemas, one a line, and what the rules of the schema family say of them: tried on a real server."""

from __future__ import annotations

import pytest

from pgassay.catalog import Catalog, read
from pgassay.model import Statement
from pgassay.rules import State, registry
from pgassay.server import Server
from pgassay.sql import parse
from pgassay.workflows.check import check_statements
from pgassay.workflows.surveying import places, survey_change
from pgassay.workload import Query

MINE = {rule.id for rule in registry() if rule.family == "schema"}

CHECKED = "varchar(42) CHECK ({0} ~ '^0x[0-9a-f]{{40}}$')"
EVENT = "block_number bigint, log_index integer, tx_hash varchar(66), PRIMARY KEY (block_number, log_index)"
TOKEN = f"chain_id integer, contract_address {CHECKED.format('contract_address')}, UNIQUE (chain_id, contract_address)"


def found(server: Server, sql: str, *queries: str) -> list[str]:
    workload = tuple(Query(text=text) for text in queries)
    judged = check_statements(server, State(catalog=Catalog(), workload=workload), sql)
    return sorted(
        f"{f.rule} {f.subject.removeprefix('public.')} {f.certainty}" for f in judged.findings if f.rule in MINE
    )


SINS = {
    # amounts
    f"CREATE TABLE t (amount real, {EVENT})": ["amount-as-float t.amount proved"],
    f"CREATE TABLE t (total_supply float, {TOKEN}, PRIMARY KEY (chain_id, contract_address))":
        ["amount-as-float t.total_supply proved"],
    f'CREATE TABLE t ("feeAmount" varchar(80), {EVENT})': ["amount-as-text t.feeAmount proved"],
    f"CREATE TABLE t (balance_after integer, {EVENT})": ["amount-as-integer t.balance_after proved"],
    f"CREATE DOMAIN wei AS numeric(38); CREATE TABLE t (amount wei, {EVENT})": ["amount-too-narrow t.amount proved"],
    f"CREATE TABLE t (amount numeric(20,8), {EVENT})": ["amount-too-narrow t.amount proved"],
    f"CREATE TABLE t (amount numeric(20,18), {EVENT})": ["amount-too-narrow t.amount proved"],
    f"CREATE TABLE token (id bigint PRIMARY KEY, {TOKEN});"
    " CREATE TABLE t (token_id bigint PRIMARY KEY REFERENCES token, balance text)": ["amount-as-text t.balance proved"],
    # addresses
    f"CREATE TABLE t (from_address text, to_address text, {EVENT})": ["unchecked-address t proved"],
    f"CREATE TABLE t (address varchar(42) UNIQUE, {EVENT})": ["address-in-mixed-case t.address proved"],
    f"CREATE EXTENSION citext; CREATE TABLE t (owner_address citext UNIQUE, {EVENT})":
        ["unchecked-address t.owner_address proved"],
    f"CREATE TABLE token (chain_id integer, address {CHECKED.format('address')} PRIMARY KEY, total_supply numeric);"
    f" CREATE TABLE t ({EVENT})": ["address-without-chain token.address proved"],
    # keys, hashes, blocks, times
    "CREATE TABLE t (id bigint PRIMARY KEY, block_number bigint, log_index int, tx_hash varchar(66))":
        ["event-without-key t proved"],
    "CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), block_number bigint, log_index int,"
    " tx_hash varchar(66), UNIQUE (tx_hash, log_index))": ["random-uuid-key t.id proved"],
    "CREATE TABLE t (tx_hash text PRIMARY KEY, block_hash varchar(66))": ["unchecked-hash t.tx_hash proved"],
    "CREATE TABLE t (block_number int, log_index int, tx_hash varchar(66), PRIMARY KEY (block_number, log_index))":
        ["block-number-as-integer t.block_number proved"],
    f"CREATE TABLE t (start_block smallint, {EVENT})": ["block-number-as-integer t.start_block proved"],
    f"CREATE TABLE t (block_timestamp bigint, {EVENT})": ["unix-time-as-integer t.block_timestamp computed"],
    "CREATE TABLE t (id bigint PRIMARY KEY, created_at integer)": ["unix-time-as-integer t.created_at proved"],
    f"CREATE TABLE t (block_time timestamp, {EVENT}); CREATE INDEX ON t (block_time)":
        ["timestamp-without-time-zone t.block_time proved"],
    f"CREATE TABLE t (timestamp timestamptz, {EVENT})": ["time-without-index t.timestamp computed"],
    f'CREATE TABLE transfer ({EVENT}); CREATE TABLE "Transfer" ({EVENT})':
        ["event-told-by-name transfer computed"],
    f"CREATE TABLE t (event_name text, {EVENT})": ["event-told-by-name t.event_name computed"],
    # of any subject
    "CREATE TABLE orders (id bigint PRIMARY KEY, total real)": ["money-as-float orders.total proved"],
    "CREATE TABLE t (a integer, b integer)": ["missing-primary-key t computed"],
}  # fmt: skip


@pytest.mark.parametrize("sql", SINS, ids=lambda s: s.replace(EVENT, "…").replace(TOKEN, "…")[:90])
def test_what_is_wrong_is_found(server: Server, sql: str) -> None:
    assert found(server, sql) == SINS[sql]


# Other subjects, and values that are kept well: not a word.
INNOCENT = [
    "CREATE TABLE recipe (id bigint PRIMARY KEY, ingredient text, amount real, balance text)",
    "CREATE TABLE store (id bigint PRIMARY KEY, chain_id integer, address text UNIQUE, city text, amount integer)",
    "CREATE TABLE building (id bigint PRIMARY KEY, block_number integer, address varchar(42), flats int)",
    "CREATE TABLE card (id bigint PRIMARY KEY, token_id bigint, network text, transaction_hash text, amount integer)",
    "CREATE TABLE account (id bigint PRIMARY KEY, balance integer, currency char(3), password_hash text)",
    "CREATE TABLE candle (id bigint PRIMARY KEY, open double precision, volume double precision, price real)",
    "CREATE TABLE meeting (id bigint PRIMARY KEY, starts_at timestamp, duration_time integer, expires_at bigint)",
    "CREATE TABLE log (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), event_name text, value text, timestamp bigint)",
    "CREATE TABLE token_balances (id uuid PRIMARY KEY, user_id uuid UNIQUE, balance integer, model text)",
    "CREATE TABLE wallets (user_id text PRIMARY KEY, balance numeric(18,2)); CREATE TABLE wallet_txns"
    " (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), amount numeric(18,2), balance_after numeric(18,2))",
    "CREATE TABLE m (a int, b int) PARTITION BY RANGE (a); CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (2);"
    " ALTER TABLE m ADD PRIMARY KEY (a)",
    # on-chain, and right
    f"CREATE TABLE t (amount numeric(78,0), fee_amount numeric, gas_price bigint, price_usd real, {EVENT})",
    f"CREATE TABLE t (amount text CHECK (amount ~ '^[0-9]{{78}}$'), amount_formatted text, {EVENT})",
    f"CREATE TABLE t (amount numeric(38,18), amount_usd double precision, amount_decimals integer, {EVENT})",
    f"CREATE TABLE t (amount numeric(78,0), transaction_index integer, token_decimals smallint, {EVENT})",
    f"CREATE TABLE payment (id bigint PRIMARY KEY, amount bigint, currency text); CREATE TABLE t ({EVENT})",
    f"CREATE TABLE bill (id bigint PRIMARY KEY, tx_hash varchar(66), amount numeric(12,2)); CREATE TABLE t ({EVENT})",
    f"CREATE TABLE nft_collection (id bigint PRIMARY KEY, total_supply integer, {TOKEN})",
    f"CREATE TABLE coin (chain text, token_address text, PRIMARY KEY (chain, token_address)); CREATE TABLE t ({EVENT})",
    "CREATE TYPE net AS ENUM ('ethereum', 'solana'); CREATE TABLE coin (chain net, contract_address text,"
    f" PRIMARY KEY (chain, contract_address)); CREATE TABLE t ({EVENT})",
    f"CREATE TABLE company (id bigint PRIMARY KEY, address text UNIQUE, street text); CREATE TABLE t ({EVENT})",
    f"CREATE TABLE visit (id bigint PRIMARY KEY, ip_address text, email_address text); CREATE TABLE t ({EVENT})",
    f"CREATE TABLE users (chain_id integer, wallet_address {CHECKED.format('wallet_address')} PRIMARY KEY);"
    f" CREATE TABLE t ({EVENT})",
    f"CREATE TABLE t (block_time timestamptz, {EVENT}); CREATE INDEX ON t USING brin (block_time)",
    f"CREATE TABLE t (updated_at timestamp, created_at timestamp, {EVENT})",
    "CREATE TABLE t (id text PRIMARY KEY, block_number bigint, log_index integer, tx_hash varchar(66))",
    "CREATE TABLE t (block_number bigint, log_index int, tx_hash bytea, args jsonb, topics bytea[], event text,"
    " PRIMARY KEY (block_number, log_index))",
]


@pytest.mark.parametrize("sql", INNOCENT, ids=lambda s: s.replace(EVENT, "…").replace(TOKEN, "…")[:90])
def test_what_is_right_is_quiet(server: Server, sql: str) -> None:
    assert found(server, sql) == []


TABLES = (
    f"CREATE TABLE t (from_address bytea, amount numeric(78,0), block_time timestamptz, args jsonb, {EVENT});"
    " CREATE INDEX ON t (block_time);"
    f" CREATE TABLE token (id bigint PRIMARY KEY, symbol text, {TOKEN})"
)
QUERIES = {
    "SELECT * FROM t ORDER BY block_number LIMIT 10 OFFSET 2000": ["offset-pagination workload:1 computed"],
    "SELECT * FROM (SELECT * FROM token LIMIT 10 OFFSET $1) x": ["offset-pagination workload:1 computed"],
    "SELECT * FROM token WHERE contract_address ILIKE $1": [
        "address-compared-without-index token.contract_address proved"
    ],
    "SELECT * FROM token WHERE lower(contract_address) = $1 AND chain_id = 1": [],  # the key's other column serves
    "SELECT * FROM token WHERE upper(symbol) = $1": [],
    "SELECT from_address, sum(amount) FROM t GROUP BY 1": ["balance-from-history workload:1 computed"],
    "SELECT sum(amount) FROM t WHERE block_time >= $1": [],
    "SELECT sum(chain_id) FROM token": [],
    "SELECT * FROM t WHERE args @> $1": ["jsonb-searched-without-index t.args proved"],
    "SELECT * FROM t WHERE args ->> 'to' = $1": ["jsonb-searched-without-index t.args proved"],
    "SELECT * FROM t WHERE args ->> 'to' = $1 AND block_number = 7": [],
    "SELECT nothing FROM nowhere OFFSET 7": [],
    "SELEC 1 OFFSET": [],
}


@pytest.mark.parametrize("query", QUERIES)
def test_statements_of_a_workload(server: Server, query: str) -> None:
    assert found(server, TABLES, query) == QUERIES[query]


def test_few_rows_may_be_read_whole(server: Server) -> None:
    with server.database() as name:
        with server.connect(name) as session:
            session.run(TABLES)
            catalog = read(session)
        rows = {t.name: 200 for t in catalog.tables}
        workload = tuple(Query(text=text) for text in QUERIES)
        state = State(catalog=catalog, rows=rows, workload=workload)
        assert [f for r in registry() if r.id in MINE and r.survey for f in r.survey(state)] == []


# What a change brought


def brought(server: Server, before: str, change: str) -> list[str]:
    statements: tuple[Statement, ...] = parse(change, "change.sql")
    with server.database() as old, server.database() as new:
        for name, sql in ((old, before), (new, f"{before}; {change}")):
            with server.connect(name) as session:
                session.run(sql)
        catalogs = []
        for name in (old, new):
            with server.connect(name) as session:
                catalogs.append(read(session))
        judged = survey_change(server, (old, catalogs[0]), (new, catalogs[1]), statements, rows={})
    return [f"{f.rule} {f.subject.removeprefix('public.')} {f.line}" for f in judged.findings if f.rule in MINE]


OLD = f"CREATE TABLE t (amount text, address varchar(42), {EVENT}); CREATE TABLE plain (id bigint PRIMARY KEY)"
CHANGES = {
    "ALTER TABLE t ADD COLUMN note text": [],
    "ALTER TABLE t RENAME TO u": [],
    "ALTER TABLE t RENAME amount TO token_amount": [],
    "CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s": [],
    "ALTER TABLE t ALTER amount TYPE numeric(78,0) USING amount::numeric": [],
    "SELECT 1;\nALTER TABLE t ALTER amount TYPE bigint USING amount::bigint": ["amount-as-integer t.amount 2"],
    "SELECT 1;\n\nALTER TABLE t ADD COLUMN fee_amount real": ["amount-as-float t.fee_amount 3"],
    "ALTER TABLE t DROP CONSTRAINT t_pkey": ["event-without-key t 1", "missing-primary-key t 1"],
    "ALTER TABLE plain DROP CONSTRAINT plain_pkey": ["missing-primary-key plain 1"],
    "-- pgassay: allow amount-as-float, a chart\nALTER TABLE t ADD COLUMN shown_amount real": [],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_review_tells_what_the_change_brought(server: Server, change: str) -> None:
    assert brought(server, OLD, change) == CHANGES[change]


def test_places_follow_renames() -> None:
    sql = "CREATE TABLE a (x int);\nALTER TABLE a ADD y int;\nALTER TABLE a RENAME TO b;\nALTER TABLE b RENAME y TO z;"
    found = {subject: s.line for subject, s in places(parse(sql, "f.sql")).items()}
    assert found == {"public.b": 1, "public.b.x": 1, "public.b.z": 2}


ODD = """
CREATE SCHEMA "we ird";
CREATE DOMAIN "we ird"."Am""ount" AS text NOT NULL DEFAULT '0';
CREATE TYPE "we ird".net AS ENUM ();
CREATE TABLE "we ird"."select ""Trans.fer" ("log_index" integer NOT NULL, "tx_hash" text, "chain_id" "we ird".net,
  "block_number" bigint, "amount" "we ird"."Am""ount", "from" text, "to" text, "адрес" text, allowance bigint[],
  "timestamp" timestamp GENERATED ALWAYS AS (timestamp '2020-01-01') STORED, supply numeric(5) CHECK (supply < 10));
CREATE TABLE heir (x int) INHERITS ("we ird"."select ""Trans.fer");
CREATE TABLE pgassay_trial (n int NOT NULL CHECK (n > 0), block_number bigint, log_index int, tx_hash varchar(66),
  amount bigint NOT NULL, CHECK (amount > n), EXCLUDE USING btree (n WITH =));
ALTER TABLE pgassay_trial ENABLE ROW LEVEL SECURITY; ALTER TABLE pgassay_trial FORCE ROW LEVEL SECURITY;
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER no BEFORE INSERT ON pgassay_trial FOR EACH ROW EXECUTE FUNCTION no();
CREATE TABLE empty ();
"""


def test_odd_names_and_tables_that_resist_are_tried_all_the_same(server: Server) -> None:
    table = '"we ird"."select ""Trans.fer"'
    assert found(server, ODD) == sorted(
        [
            f"amount-as-text {table}.amount proved",
            f"amount-too-narrow {table}.supply proved",
            f"event-without-key {table} computed",  # an enum without a label has no value to try
            f"missing-primary-key {table} computed",
            f"time-without-index {table}.timestamp computed",
            f"unchecked-hash {table}.tx_hash proved",
            "amount-as-integer pgassay_trial.amount proved",
            "event-without-key pgassay_trial proved",
            "missing-primary-key pgassay_trial computed",
            f"unchecked-address {table} proved",
        ]
    )
