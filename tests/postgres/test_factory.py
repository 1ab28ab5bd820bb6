"""Factories: valid rows, with what matters said."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest

from pgassay.chain.design import design
from pgassay.chain.model import Settings
from pgassay.chain.presets import presets
from pgassay.errors import UsageError
from pgassay.server import OWNER, Connection, Server, StatementError
from pgassay.testing import Factory

SCHEMA = """
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x[0-9a-f]{40}$');
CREATE TYPE status AS ENUM ('active', 'frozen');
CREATE TABLE issuers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, boss int
  REFERENCES issuers);
CREATE TABLE tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), issuer int NOT NULL REFERENCES issuers,
  chain_id int NOT NULL CHECK (chain_id > 0), contract address NOT NULL, symbol varchar(11) NOT NULL,
  opens date NOT NULL, closes date NOT NULL CHECK (closes > opens), tags text[] NOT NULL DEFAULT '{}', about jsonb,
  mark bytea, UNIQUE (chain_id, contract));
CREATE TABLE holders (token uuid NOT NULL REFERENCES tokens, account address NOT NULL, state status NOT NULL,
  balance numeric(78,0) NOT NULL CHECK (balance >= 0), frozen numeric(78,0) NOT NULL CHECK (frozen <= balance),
  since timestamptz NOT NULL, double numeric GENERATED ALWAYS AS (balance * 2) STORED, PRIMARY KEY (token, account));
CREATE TABLE moves (id bigserial PRIMARY KEY, token uuid NOT NULL, giver address NOT NULL, taker address NOT NULL,
  CHECK (giver <> taker), FOREIGN KEY (token, giver) REFERENCES holders, FOREIGN KEY (token, taker) REFERENCES holders);
"""


@pytest.fixture(scope="module")
def template(server: Server) -> Iterator[str]:
    with server.database() as name:
        with server.connect(name) as session:
            session.run(SCHEMA)
        yield name


@pytest.fixture
def place(server: Server, template: str) -> Iterator[str]:
    with server.database(template) as name:
        yield f"postgresql://{OWNER}@/{name}?host={quote(str(server.sockets), safe='')}"


@pytest.fixture
def factory(place: str) -> Iterator[Factory]:
    with Factory(place, seed=1) as made:
        yield made


def count(factory: Factory, table: str) -> int:
    return int(factory._connection.value(f"SELECT count(*) FROM {table}") or 0)


def test_one_row_comes_with_what_it_refers_to(factory: Factory) -> None:
    holder = factory.create("holders", balance=5, state="frozen")
    assert (holder["balance"], holder.state, holder["double"]) == (Decimal(5), "frozen", Decimal(10))
    assert holder.frozen <= 5
    assert isinstance(holder.token, uuid.UUID)
    assert isinstance(holder.since, datetime.datetime)
    assert [count(factory, t) for t in ("issuers", "tokens", "holders")] == [1, 1, 1]


def test_composite_keys_that_share_a_column_lead_to_the_same_parent(factory: Factory) -> None:
    move = factory.create("moves")
    assert move.giver != move.taker
    assert [count(factory, t) for t in ("tokens", "holders", "moves")] == [1, 2, 1]


def test_a_batch_takes_values_by_number(factory: Factory) -> None:
    issuer = factory.create("issuers", name="One")
    tokens = factory.create_batch("tokens", 5, issuer=issuer.id, chain_id=7, symbol=lambda n: f"T{n}")
    assert [t.symbol for t in tokens] == ["T0", "T1", "T2", "T3", "T4"]
    assert len({t.contract for t in tokens}) == 5
    assert all(t.closes > t.opens for t in tokens)
    assert count(factory, "issuers") == 1


def test_what_is_named_and_missing_is_made(factory: Factory) -> None:
    wanted = uuid.UUID(int=7)
    factory.create_batch("holders", 3, token=wanted)
    assert factory._connection.run("SELECT id FROM tokens") == [[str(wanted)]]


def test_python_values_go_in_and_come_out(factory: Factory) -> None:
    given = {
        "opens": datetime.date(2026, 1, 2), "tags": ["a", 'b "c"', "{}"], "about": {"k": [1, None]}, "mark": b"\0\xff",
        "symbol": "'; DROP TABLE tokens; --"[:11],
    }  # fmt: skip
    made = factory.create("tokens", **given)
    assert {name: made[name] for name in given} == given
    assert made.closes > made.opens


def test_nothing_is_left_of_what_is_only_built(factory: Factory) -> None:
    draft = factory.build("holders", balance=1)
    assert draft.balance == 1
    assert [count(factory, t) for t in ("issuers", "tokens", "holders")] == [0, 0, 0]


def test_rows_that_others_wrote_are_no_obstacle(factory: Factory, place: str) -> None:
    factory.create_batch("tokens", 20)
    with Factory(place, seed=1) as again:
        again._numbers = dict.fromkeys(again._targets, 0)  # begins where the first one began
        assert len(again.create_batch("tokens", 3)) == 3


def test_the_same_seed_makes_the_same_rows(server: Server, template: str) -> None:
    found = []
    for seed in (1, 1, 2):
        with server.database(template) as name, server.connect(name) as session:
            rows = Factory(session, seed=seed).create_batch("holders", 4)
            found.append([(r.account, r.balance, r.since) for r in rows])
    assert found[0] == found[1] != found[2]


def test_a_transaction_that_is_open_stays_the_callers(server: Server, template: str) -> None:
    with server.database(template) as name, server.connect(name) as session:
        factory = Factory(session)
        with session.rolled_back():
            factory.create("tokens")
            assert session.transaction == "open"
        assert session.value("SELECT count(*) FROM tokens") == "0"


@pytest.mark.parametrize(
    ("table", "values", "words"),
    [
        ("holder", {}, "there is no table holder\nDid you mean holders?"),
        ("holders", {"balanc": 1}, "balanc is no column of public.holders\nDid you mean balance?"),
        ("holders", {"double": 1}, "double is computed from others"),
        ("holders", {"balance": -1}, "holders_balance_check"),
        ("holders", {"balance": object()}, "no value of PostgreSQL is made of object"),
        ("holders", {"state": "sold"}, "invalid input value for enum"),
    ],
)
def test_what_cannot_be_is_said(factory: Factory, table: str, values: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        factory.create(table, **values)
    assert words.splitlines()[0] in str(caught.value)
    assert factory._connection.transaction == "idle"
    assert count(factory, "tokens") == 0


TABLES = Path(__file__).with_name("test_synthetic_tables.sql").read_text("utf-8").splitlines()  # a schema a line


def test_rows_of_every_kind_of_table(connection: Connection) -> None:
    refused = []
    for ddl in TABLES:
        with connection.rolled_back():
            try:
                connection.run(ddl)
                factory = Factory(connection)
                for name in factory._targets:
                    factory.create_batch(str(name), 2)
            except UsageError as error:
                refused.append(f"{ddl}: {error}")
            except StatementError as error:
                assert "CONCURRENTLY" in str(error), ddl
    assert len(refused) <= 7, "\n".join(
        refused
    )  # circles that may not be empty, tables for one row, xml without libxml


def test_a_designed_schema_with_tenants(server: Server, connection: Connection) -> None:
    of = design(presets(("erc20",)), None, Settings(tenancy="tenant"))
    for part in of.parts:
        connection.run("; ".join(part.forward))
    tenant = str(uuid.uuid4())
    factory = Factory(connection, settings={"app.tenant_id": tenant})
    token = factory.create("tokens", symbol="X")
    assert (str(token.tenant_id), token.symbol) == (tenant, "X")
    event = factory.create("transfer", value=2**256 - 1)
    assert event.value == 2**256 - 1
    server.drop_roles({"registry_owner", "registry_writer", "registry_reader"} & server.roles())
