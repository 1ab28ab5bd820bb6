"""The design on a real server: it applies and goes back, rollups add up whatever comes and goes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.chain.abi import read_contracts
from pgassay.chain.design import design, samples
from pgassay.chain.model import Contract, Design, Layout, Retention, Settings, Tenancy
from pgassay.chain.presets import presets
from pgassay.chain.subgraph import parse_subgraph
from pgassay.errors import InputError
from pgassay.server import Connection, Server, StatementError
from pgassay.workflows.design import proved
from pgassay.workflows.design_storage import measure
from tests.designing import ALL, EXAMPLES, address, block, contracts, transfers

GRAPH = parse_subgraph(
    """
enum Status { ACTIVE FROZEN }
interface Account { id: Bytes! sent: [Payment!]! @derivedFrom(field: "from") }
type Wallet implements Account @entity { id: Bytes! status: Status! all: [Status!] sent: [Payment!]!
  @derivedFrom(field: "from") big: BigInt order: Int }
type Asset @entity { id: ID! holders: [Wallet!]! matrix: [[Int!]!] }
type Payment @entity(immutable: true) { id: Bytes! from: Wallet! to: Account! asset: Asset! value: BigInt! }
type Tick @entity(timeseries: true) { id: Int8! timestamp: Timestamp! asset: Asset! price: BigDecimal! }
type TickStats @aggregation(intervals: ["hour", "day"], source: "Tick") { id: Int8! timestamp: Timestamp!
  asset: Asset! total: BigDecimal! @aggregate(fn: "sum", arg: "price * 2") n: Int8! @aggregate(fn: "count")
  close: BigDecimal! @aggregate(fn: "last", arg: "price") }
""",
    "schema.graphql",
)


@pytest.fixture(scope="module")
def template(server: Server) -> Iterator[str]:
    """A database with the plain design of every preset and a subgraph."""
    name, _ = proved(server, design(ALL, GRAPH))
    yield name
    server.drop(name)


@pytest.fixture
def designed(server: Server, template: str) -> Iterator[Connection]:
    with server.database(template) as name, server.connect(name) as session:
        yield session


@pytest.fixture(scope="module")
def sums(server: Server) -> Iterator[str]:
    """A database with tokens alone, and no partitions: quick to begin with."""
    name, _ = proved(server, design(presets(("erc20",)), None, Settings(partition="none")))
    yield name
    server.drop(name)


@pytest.mark.parametrize(("layout", "tenancy"), [("plain", "tenant"), ("bytea", "none"), ("compact", "owner")])
def test_it_applies_and_goes_back_in_every_layout(server: Server, layout: Layout, tenancy: Tenancy) -> None:
    made = design(ALL, GRAPH, Settings(layout=layout, tenancy=tenancy, chains=(1, 137)))
    name, catalog = proved(server, made)
    assert {t.name for t in made.tables} <= {t.name.name for t in catalog.tables}
    server.drop(name)


@pytest.mark.parametrize(
    "chosen",
    [Settings(partition="time", partition_size=30), Settings(partition="none"), Settings(schema="My chain")],
    ids=["by time", "not partitioned", "own schema"],
)
def test_it_applies_and_goes_back_otherwise(server: Server, chosen: Settings) -> None:
    name, _ = proved(server, design(presets(("erc20",)), None, chosen))
    if chosen.schema != "public":  # what its functions do to its tables, they find in it
        with server.connect(name) as session:
            session.run('SET search_path = "My chain"')
            assert session.run("SELECT make_partitions(24000000), revert_chain(1, 5)") == [["8", "0"]]
    server.drop(name)


@settings(
    max_examples=EXAMPLES or 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    # Together they cost little more than one: each has tables of its own.
    st.lists(contracts, max_size=3) if EXAMPLES else st.lists(contracts, min_size=6, max_size=8),
    st.sampled_from(["plain", "bytea", "compact"]),
    st.sampled_from(["none", "tenant"]),
)
def test_any_abi_makes_a_schema_and_rows_fit_it(
    server: Server, found: list[Contract], layout: Layout, tenancy: Tenancy
) -> None:
    made = design(found, None, Settings(layout=layout, tenancy=tenancy))
    name, _ = proved(server, made)
    assert len(measure(server, name, made, most=40)) == len(samples(made, 1))
    server.drop(name)


# Rollups

moves = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2**200)), min_size=1, max_size=8)


@settings(max_examples=EXAMPLES or 12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moves, min_size=1, max_size=4), st.data())
def test_balances_holders_and_supply_follow_inserts_and_deletes(
    server: Server, sums: str, found: list[list[tuple[int, int, int]]], data: st.DataObject
) -> None:
    with server.connect(sums) as designed, designed.rolled_back():
        for number, each in enumerate(found):
            designed.run(block(number))
            designed.run(transfers(number, each))
        kept = found[: data.draw(st.integers(0, len(found)))]
        designed.run(f"SELECT revert_chain(1, {len(kept)})")
        wanted: dict[str, int] = {}
        for giver, taker, amount in (m for each in kept for m in each):
            for account, change in ((giver, -amount), (taker, amount)):
                if account:
                    wanted[address(account)] = wanted.get(address(account), 0) + change
        balances = {a: int(b) for a, b in designed.run("SELECT account, balance FROM balances WHERE balance <> 0")}
        assert balances == {a: b for a, b in wanted.items() if b}
        rows = designed.run("SELECT transfers, holders, supply FROM token_statistics WHERE transfers > 0")
        every = [m for each in kept for m in each]
        minted = sum(m[2] for m in every if m[0] == 0) - sum(m[2] for m in every if m[1] == 0)
        holders = sum(b > 0 for b in wanted.values())
        assert rows == ([[str(len(every)), str(holders), str(minted)]] if every else [])
        assert designed.value("SELECT coalesce(sum(transfers), 0) FROM token_daily") == str(len(every))


def test_two_writers_at_once_lose_nothing(server: Server, sums: str) -> None:
    with server.database(sums) as name:
        with server.connect(name) as session:
            for number in range(40):
                session.run(block(number))

        def write(lane: int) -> None:
            with server.connect(name) as session:
                for number in range(lane, 40, 2):
                    session.run(transfers(number, [(0, a % 5 + 1, 7) for a in range(10)]))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, (0, 1)))
        with server.connect(name) as session:
            assert session.run("SELECT sum(balance), count(*) FROM balances") == [["2800", "5"]]
            assert session.run("SELECT transfers, supply, holders FROM token_statistics") == [["400", "2800", "5"]]


def _place(number: int) -> str:
    return f"{number}, now(), 1, 0, '{address(9)}', '\\x{number:064x}'"


_WHERE = "block_number, block_time, chain_id, log_index, contract_address, transaction_hash"


def _column(session: Connection, table: str, begins: str) -> str:
    """The one column whose name begins so: reserved words have something behind them."""
    query = f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname LIKE '{begins}%'"
    return session.value(query) or ""


def test_a_state_is_what_the_latest_event_says_and_a_reorg_brings_the_one_before(designed: Connection) -> None:
    for number, table in enumerate(("agent_added", "agent_removed", "agent_added")):
        designed.run(f"INSERT INTO {table} ({_WHERE}, agent) VALUES ({_place(number)}, '{address(5)}')")
    assert designed.run("SELECT agent, active, as_of_block FROM agents") == [[address(5), "t", "2"]]
    designed.run("SELECT revert_chain(1, 2)")
    assert designed.run("SELECT active, as_of_block FROM agents") == [["f", "1"]]
    designed.run("SELECT revert_chain(1, 0)")
    assert designed.run("SELECT * FROM agents") == []


def test_an_older_event_that_comes_late_changes_nothing(designed: Connection) -> None:
    for number, table in ((7, "agent_removed"), (3, "agent_added")):
        designed.run(f"INSERT INTO {table} ({_WHERE}, agent) VALUES ({_place(number)}, '{address(5)}')")
    assert designed.run("SELECT active, as_of_block FROM agents") == [["f", "7"]]


def test_frozen_amounts_rise_and_fall(designed: Connection) -> None:
    for number, (table, amount) in enumerate((("tokens_frozen", 10), ("tokens_unfrozen", 4))):
        designed.run(
            f"INSERT INTO {table} ({_WHERE}, user_address, amount) VALUES ({_place(number)}, '{address(5)}', {amount})"
        )
    assert designed.run("SELECT account, amount FROM frozen_amounts") == [[address(5), "6"]]


def test_batches_of_items_are_counted_each(designed: Connection) -> None:
    designed.run(block(0))
    columns = f"{_WHERE}, operator, from_address, to_address, ids, {_column(designed, 'transfer_batch', 'values')}"
    designed.run(
        f"INSERT INTO transfer_batch ({columns}) VALUES ({_place(0)}, '{address(1)}', '{address(0)}', '{address(2)}',"
        " ARRAY[5, 6, 5], ARRAY[1, 2, 3])"
    )
    assert designed.run("SELECT token_id, balance FROM item_balances ORDER BY 1") == [["5", "4"], ["6", "2"]]
    assert designed.run("SELECT token_id, supply, holders FROM item_statistics ORDER BY 1") == [
        ["5", "4", "1"],
        ["6", "2", "1"],
    ]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE transfer SET value = 1", "TRUNCATE transfer", "UPDATE payment SET value = 1"],
)
def test_what_happened_cannot_be_changed(designed: Connection, statement: str) -> None:
    with pytest.raises(StatementError, match="holds what happened on the chain"):
        designed.run(statement)


def test_blocks_make_the_partitions_of_every_event(connection: Connection) -> None:
    for part in design(presets(("erc20",))).parts:
        for statement in part.forward:
            connection.run(statement)
    with pytest.raises(StatementError, match="no partition of relation"):
        connection.run(transfers(24_000_000, [(0, 1, 1)]))
    connection.run(block(24_000_000))
    connection.run(transfers(24_000_000, [(0, 1, 1)]))
    connection.run(block(27_999_999))
    counts = connection.run("SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = inhparent"
                          " WHERE c.relkind = 'p' GROUP BY inhparent")  # fmt: skip
    assert {n for (n,) in counts} == {"8"}  # the first, 24 to 27 and, ahead of 27, 28 to 30
    connection.run(block(24_000_001))
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert connection.value(invalid) == "0"


RETAINED = Settings(retention=(Retention("transfer", 2),), partition_size=7200)  # blocks of 12 s: a day


def test_rows_past_their_retention_go_by_partitions_and_nothing_else_changes(connection: Connection) -> None:
    for part in design(presets(("erc20",)), None, RETAINED).parts:
        for statement in part.forward:
            connection.run(statement)
    for day in range(5):
        connection.run(block(day * 7200 + 5))
        connection.run(transfers(day * 7200 + 5, [(0, day + 1, 10), (day + 1, 9, 1)]))
    sums = [connection.run(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in ("balances", "token_daily")]
    listed = connection.run("SELECT * FROM transfer WHERE block_number > 14400 ORDER BY chain_id, block_number DESC")
    told = connection.run("SELECT partition_name, action FROM expired_partitions('2026-01-05 00:01:01Z')")
    assert [a for _, a in told] == ["empty", "drop"]
    assert connection.run("SELECT * FROM expired_partitions('2026-01-03Z')") == []
    done = connection.run("SELECT * FROM maintain_partitions('2026-01-05 00:01:01Z')")
    assert done == [[told[0][0], "emptied"], [told[1][0], "dropped"]]
    assert connection.run("SELECT * FROM maintain_partitions('2026-01-05 00:01:01Z')") == []
    assert connection.run("SELECT * FROM transfer ORDER BY chain_id, block_number DESC") == listed and len(listed) == 6
    assert [connection.run(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in ("balances", "token_daily")] == sums
    assert connection.value("SELECT transfers FROM token_statistics") == "10"
    assert connection.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'approval'::regclass") == "8"
    connection.run("SELECT revert_chain(1, 28800)")  # a reorganisation takes its own rows out of the sums, no others
    assert connection.value("SELECT transfers FROM token_statistics") == "8"
    for number in (7206, 28805):  # what has gone may come back: blocks make its partitions again
        connection.run(block(number))
        connection.run(transfers(number, [(0, 1, 1)]))


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        (Settings(retention=(Retention("transfers", 9),)), "no event table of that name\nThere are transfer"),
        (Settings(retention=(Retention("agent_added", 9),)), "agents is read from its rows"),
        (Settings(retention=(Retention("transfer", 9),), partition="none"), "this design has none"),
    ],
)
def test_retention_that_cannot_be_kept_is_refused(chosen: Settings, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        design(ALL, None, chosen)


@pytest.mark.parametrize(("layout", "tenancy"), [("compact", "none"), ("bytea", "tenant")])
def test_retention_goes_by_each_chain(server: Server, layout: Layout, tenancy: Tenancy) -> None:
    made = design(presets(("erc20",)), None, replace(RETAINED, layout=layout, tenancy=tenancy, chains=(1, 10)))
    name, _ = proved(server, made)
    with server.connect(name) as session:
        for chain, day in ((1, 0), (1, 3), (2, 3), (2, 4), (2, 6)):
            session.run(block(day * 7200, chain).replace("chain_id", "chain_no"))
        told = "SELECT chain_no, from_block, action FROM expired_partitions('2026-01-07 00:01Z')"
        assert session.run(told) == [["1", "7200", "drop"], ["1", "14400", "drop"], ["2", "21600", "drop"]]
    server.drop(name)


def test_aggregations_are_counted_again(designed: Connection) -> None:
    stamp = _column(designed, "tick", "timestamp")
    designed.run(
        f"INSERT INTO tick ({stamp}, asset_id, price) SELECT timestamptz '2026-01-01 00:00Z' + n * interval '20 min',"
        " 'a', n FROM generate_series(0, 5) n"
    )
    query = "SELECT span, total, n, close FROM tick_stats ORDER BY 1, 4"
    assert designed.run(query) == [["day", "30", "6", "5"], ["hour", "6", "3", "2"], ["hour", "24", "3", "5"]]
    designed.run("DELETE FROM tick WHERE price > 2")
    assert designed.run(query) == [["day", "6", "3", "2"], ["hour", "6", "3", "2"]]


# Layouts and tenants


def test_the_compact_layout_shows_the_plain_picture(server: Server) -> None:
    name, _ = proved(server, design(presets(("erc20",)), None, Settings(layout="compact", chains=(10,))))
    with server.connect(name) as session:
        session.run("INSERT INTO blocks (number, time, chain_no, hash, parent_hash) VALUES"
                    f" (5, '2026-01-01 00:00Z', 1, '\\x{1:064x}', '\\x{2:064x}')")  # fmt: skip
        token, one = (session.value(f"SELECT address_number(1::smallint, '\\x{n:040x}')") for n in (99, 7))
        session.run("INSERT INTO transfer (event_id, transaction_index, contract_id, from_id, to_id,"
                    f" value) VALUES (event_id(1::smallint, 5, 3), 0, {token}, 0, {one}, 12)")  # fmt: skip
        shown = session.run("SELECT chain_id, block_number, log_index, block_time, contract_address, from_address,"
                            " to_address, value FROM transfer_plain")  # fmt: skip
        assert shown == [["10", "5", "3", "2026-01-01 00:00:00+00", address(99), address(0), address(7), "12"]]
        assert session.run("SELECT account, balance FROM balances") == [[one, "12"]]
        with pytest.raises(StatementError, match="do not fit an event id"):
            session.run("SELECT event_id(1::smallint, 5, 2000000)")
    server.drop(name)


def test_tenants_see_their_own_rows_and_rollups(server: Server) -> None:
    name, _ = proved(server, design(presets(("erc20",)), None, Settings(tenancy="tenant")))
    with server.connect(name) as session:
        session.run("GRANT registry_writer TO CURRENT_USER; SET ROLE registry_writer")
        for tenant in (1, 2):
            session.run(f"SET app.tenant_id = '00000000-0000-0000-0000-00000000000{tenant}'")
            if tenant == 1:
                session.run(block(24_000_000))
            session.run(transfers(24_000_000, [(0, tenant, tenant * 10)]))
        assert session.run("SELECT account, balance FROM balances") == [[address(2), "20"]]
        assert session.run("SELECT count(*) FROM transfer") == [["1"]]
        session.run("RESET app.tenant_id")
        assert session.run("SELECT count(*) FROM transfer") == [["0"]]
        with pytest.raises(StatementError, match="permission denied"):
            session.run("UPDATE balances SET balance = 1")
    server.drop(name)


# Listings


@pytest.mark.parametrize("layout", ["plain", "compact"])
def test_a_late_page_touches_what_the_first_does(server: Server, layout: Layout) -> None:
    made = design(presets(("erc20",)), None, Settings(layout=layout))
    name, _ = proved(server, made)
    with server.connect(name) as session:
        session.run("ALTER TABLE transfer DISABLE TRIGGER USER")
        _, sql = next(s for s in samples(made, 60_000) if s[0].name == "transfer")
        # Rows of each account evenly spread, so that pages differ by their depth alone.
        session.run(re.sub(r"\(power\(random\(\), \d\) \* \d+\)::integer \+ 1", "(n % 30 + 1)", sql))
        session.run("ANALYZE transfer")
        for listing in (i for i in made.listings if i.table == "transfer" and not i.either):
            early, late = _pages(session, made, listing.name)
            assert late == pytest.approx(early, rel=0.1, abs=1), listing.name
    server.drop(name)


def _pages(session: Connection, made: Design, name: str) -> tuple[float, float]:
    """Buffers of a page of 50 rows: at the beginning of a listing and at its end, each the mean of five."""
    listing = next(i for i in made.listings if i.name == name)
    order, equal = ", ".join(f"{c} DESC" for c in listing.order), ", ".join(listing.equal)
    values = session.run(f"SELECT {equal}, count(*) FROM transfer GROUP BY {equal} ORDER BY count(*) DESC LIMIT 1")[0]
    where = " AND ".join(f"{c} = '{v}'" for c, v in zip(listing.equal, values[:-1], strict=True))
    place = ", ".join(listing.order)

    def buffers(row: int) -> int:
        after = session.run(f"SELECT {place} FROM transfer WHERE {where} ORDER BY {order} OFFSET {row} LIMIT 1")[0]
        query = f"SELECT * FROM transfer WHERE {where} AND ({place}) < ({', '.join(after)}) ORDER BY {order} LIMIT 50"
        session.run(query)
        plan = session.json(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query}")[0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    last = int(values[-1]) - 310
    first, late = ([buffers(start + 50 * n) for n in range(5)] for start in (0, last))
    return sum(first) / 5, sum(late) / 5


# Real contracts


@pytest.fixture(scope="module")
def packages() -> Path:
    """The packages of real contracts, fetched by npm once and kept."""
    folder = Path(os.environ.get("PGASSAY_NPM", Path.home() / ".cache" / "pgassay-tests" / "npm"))
    if (folder / "node_modules" / "@onchain-id" / "solidity").is_dir():
        return folder
    npm = shutil.which("npm")
    reason = "npm is not installed" if npm is None else ""
    if npm is not None:
        folder.mkdir(parents=True, exist_ok=True)
        names = ["@openzeppelin/contracts@5", "@tokenysolutions/t-rex@4", "@onchain-id/solidity@2"]
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", *names]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        reason = "" if ended.returncode == 0 else f"npm cannot fetch them: {ended.stderr[-200:]}"
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    return folder


def test_real_contracts_make_a_schema(server: Server, packages: Path) -> None:
    found = read_contracts(("@openzeppelin/contracts", "@tokenysolutions/t-rex", "@onchain-id/solidity"), packages)
    made = design(found.contracts)
    events = {
        json.dumps([e.signature, sum(p.indexed for p in e.parameters)]) for c in found.contracts for e in c.events
    }
    assert len([t for t in made.tables if t.role == "event"]) == len(events) > 100
    name, catalog = proved(server, made)
    assert all(t.primary_key for t in catalog.tables)
    server.drop(name)
