"""Rows for designed schemas: what triggers keep agrees with a count of the events, in every layout."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.catalog import Catalog, read
from pgassay.chain.design import design
from pgassay.chain.model import Contract, Design, Event, Layout, Parameter, Settings, Tenancy
from pgassay.chain.presets import presets
from pgassay.errors import UsageError
from pgassay.server import OWNER, Connection, Server
from pgassay.twin import Fill
from pgassay.workflows.seed import seed_database, seed_files
from tests.designing import ADDRESS, AMOUNT

CASES: tuple[tuple[Layout, Tenancy, tuple[str, ...]], ...] = (
    ("plain", "none", ("erc20", "erc721", "erc1155", "erc3643", "onchainid")),
    ("bytea", "tenant", ("erc20", "erc3643")),
    ("compact", "owner", ("erc20", "erc1155")),
)
ROWS = 400
Seeded = tuple[Connection, Design, Fill, Catalog]


def made(layout: Layout, tenancy: Tenancy, names: tuple[str, ...]) -> Design:
    other = Event(name="Noted", parameters=(Parameter(name="who", type=ADDRESS), Parameter(name="mark", type=AMOUNT)))
    contracts = (*presets(names), Contract(name="Notes", path="n.json", events=(other,)))
    return design(contracts, None, Settings(layout=layout, tenancy=tenancy, schema="chain", partition_size=500_000))


def apply(session: Connection, of: Design) -> None:
    for part in of.parts:
        session.run("; ".join(part.forward))


@pytest.fixture(scope="module", params=CASES, ids=[f"{layout}-{tenancy}" for layout, tenancy, _ in CASES])
def seeded(server: Server, request: pytest.FixtureRequest) -> Iterator[Seeded]:
    """A designed schema with rows."""
    of = made(*request.param)
    with server.database() as database, server.connect(database) as session:
        apply(session, of)
        filled = seed_database(session, rows=ROWS, seed=1)
        catalog = read(session)
        session.run("SET search_path = chain")
        for table in catalog.tables:  # the counts below look at everybody's rows
            if table.force_row_security:
                session.run(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
        yield session, of, filled, catalog
    server.drop_roles({"registry_owner", "registry_writer", "registry_reader"} & server.roles())


def words(of: Design) -> dict[str, str]:
    """How columns are called in this layout."""
    settings = of.settings
    compact, tenant = settings.layout == "compact", {"owner": "owner_id, ", "tenant": "tenant_id, "}
    chain = {"plain": "chain_id, ", "bytea": "(event_id >> 52)::smallint, ", "compact": ""}[settings.layout]
    zero = {"plain": f"'0x{'0' * 40}'", "bytea": f"'\\x{'00' * 20}'", "compact": "0"}[settings.layout]
    return {
        "scope": tenant.get(settings.tenancy, "") + chain + ("contract_id" if compact else "contract_address"),
        "kept": tenant.get(settings.tenancy, "") + {"plain": "chain_id, ", "bytea": "chain_no, ", "compact": ""}[
            settings.layout] + ("contract_id" if compact else "contract_address"),
        "from": "from_id" if compact else "from_address",
        "to": "to_id" if compact else "to_address",
        "zero": zero,
    }  # fmt: skip


def test_every_table_of_the_standards_has_its_rows(seeded: Seeded) -> None:
    session, _, filled, _ = seeded
    found = {name.name: rows for name, rows in filled.rows.items()}
    assert not filled.unfilled
    assert found["transfer"] == ROWS
    assert found["noted"] == ROWS
    assert found["tokens"] > 1
    assert 0 < found["approval"] <= ROWS
    counted = {n: int(session.value(f"SELECT count(*) FROM {n}") or 0) for n in ("transfer", "blocks", "tokens")}
    assert counted == {n: found[n] for n in counted}
    assert session.value("SELECT count(DISTINCT (symbol, name)) = count(*) FROM tokens") == "t"


def test_rollups_agree_with_a_count(seeded: Seeded) -> None:
    session, of, _, _ = seeded
    w = words(of)
    counted = (
        f"SELECT {w['scope']}, account, sum(amount) AS balance FROM (SELECT *, {w['from']} AS account, -value AS amount"
        f" FROM transfer UNION ALL SELECT *, {w['to']}, value FROM transfer) m WHERE account <> {w['zero']}"
        f" GROUP BY {w['scope']}, account"
    )
    kept = f"SELECT {w['kept']}, account, balance FROM balances"
    differing = f"(({counted} HAVING sum(amount) <> 0) EXCEPT ALL ({kept} WHERE balance <> 0))"
    assert session.run(differing) == []
    assert session.run("SELECT min(balance) >= 0, count(*) > 20 FROM balances WHERE balance <> 0") == [["t", "t"]]
    totals = session.run(
        f"SELECT count(*), sum(value) FILTER (WHERE {w['from']} = {w['zero']}),"
        f" coalesce(sum(value) FILTER (WHERE {w['to']} = {w['zero']}), 0) FROM transfer"
    )
    sums = "sum(transfers), sum(minted), sum(burned)"
    fungible = f"({w['kept']}) IN (SELECT {w['scope']} FROM transfer)"  # items of ERC-721 are counted there, too
    assert session.run(f"SELECT {sums} FROM token_statistics WHERE {fungible}") == totals
    assert session.run(f"SELECT {sums} FROM token_daily WHERE {fungible}") == totals
    holders = session.value("SELECT count(*) FROM balances WHERE balance > 0")
    assert session.value("SELECT sum(holders) FROM token_statistics") == holders
    supply = session.value("SELECT sum(supply) FROM token_statistics")
    assert session.value("SELECT sum(balance) FROM balances") == supply


def test_what_is_frozen_is_held_and_forced_transfers_are_seen(seeded: Seeded) -> None:
    session, of, _, _ = seeded
    if not any(t.name == "frozen_amounts" for t in of.tables):
        pytest.skip("no security token here")
    kept = words(of)["kept"]
    assert session.run(
        f"SELECT count(*) > 0, bool_and(f.amount BETWEEN 0 AND b.balance) FROM frozen_amounts f"
        f" JOIN balances b USING ({kept}, account)"
    ) == [["t", "t"]]
    frozen = session.run("SELECT count(*), coalesce(sum(amount), 0) FROM frozen_amounts")
    assert frozen[0][0] == session.value(
        f"SELECT count(DISTINCT ({words(of)['scope']}, user_address)) FROM tokens_frozen"
    )
    assert int(session.value("SELECT count(*) FROM forced_transfers") or 0) > 0
    assert int(session.value("SELECT count(*) FROM identities WHERE registered") or 0) > 5
    assert int(session.value("SELECT count(*) FROM claims WHERE active") or 0) > 5


def test_files_load_into_the_same_schema(seeded: Seeded, server: Server, tmp_path: Path) -> None:
    session, of, _, catalog = seeded
    if of.settings.layout == "bytea":
        pytest.skip("packed as the compact layout is")
    seed_files(session, tmp_path / "rows", catalog=catalog)
    with server.database() as database:
        with server.connect(database) as fresh:
            apply(fresh, of)
        psql = [str(server.binaries.directory / "psql"), "--quiet", "--set=ON_ERROR_STOP=1", "--file=load.sql"]
        place = [f"--host={server.sockets}", f"--username={OWNER}", database]
        done = subprocess.run([*psql, *place], cwd=tmp_path / "rows", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with server.connect(database) as loaded:
            loaded.run("ALTER TABLE chain.token_statistics NO FORCE ROW LEVEL SECURITY")
            again = loaded.run("SELECT sum(holders), sum(supply) FROM chain.token_statistics")
    assert again == session.run("SELECT sum(holders), sum(supply) FROM token_statistics")


def test_rows_that_are_there_are_not_contradicted(server: Server) -> None:
    of = made("plain", "none", ("erc20",))
    with server.database() as database, server.connect(database) as session:
        apply(session, of)
        session.run(
            f"INSERT INTO chain.tokens (contract_address, chain_id, symbol, name) VALUES ('0x{'a' * 40}', 1, 'X', 'X')"
        )
        with pytest.raises(UsageError, match=r"hold rows already: chain\.tokens"):
            seed_database(session, rows=10)
        filled = seed_database(session, rows=10, beside=True)
        assert {u.table.name for u in filled.unfilled} >= {"transfer", "blocks"}
        assert filled.rows[next(n for n in filled.rows if n.name == "noted")] == 10
