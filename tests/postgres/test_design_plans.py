"""Plans of a design's reads at production size: none sorts, scans or counts what grows."""

from __future__ import annotations

import pytest

from pgassay.catalog import read
from pgassay.chain.design import design
from pgassay.chain.model import Layout, Settings, Tenancy
from pgassay.chain.presets import presets
from pgassay.report.plans import PAGE, plans_page
from pgassay.server import Server
from pgassay.workflows.design import proved
from pgassay.workflows.design_plans import plans

EVENTS = 50_000_000


@pytest.mark.parametrize(
    ("layout", "tenancy", "names", "size"),
    [
        ("plain", "none", ("erc20", "erc721"), 300_000),
        ("compact", "tenant", ("erc20", "erc1155"), 1_000_000),
        ("bytea", "none", ("onchainid",), 1_000_000),
    ],
)
def test_no_read_needs_more_than_a_page(
    server: Server, layout: Layout, tenancy: Tenancy, names: tuple[str, ...], size: int
) -> None:
    made = design(presets(names), None, Settings(layout=layout, tenancy=tenancy, partition_size=size))
    database, catalog = proved(server, made)
    planned = plans(server, database, made, catalog, events=EVENTS)
    server.drop(database)
    server.drop_roles({"registry_owner", "registry_writer", "registry_reader"} & server.roles())
    listings = {p.name for p in planned if p.way}
    assert listings == {item.name for item in made.listings}
    assert [(p.name, p.way, p.faults) for p in planned if p.faults] == []
    assert all(p.rows <= PAGE for p in planned if p.way)
    assert max(p.pages for p in planned if p.way and p.pages is not None) <= 4 * PAGE
    page = plans_page(planned, EVENTS, "18.1")
    assert "50,000,000 rows" in page
    assert "none of them sorts" in page


def test_a_read_without_its_index_is_named(server: Server) -> None:
    made = design(presets(("erc20",)), None, Settings())
    database, _ = proved(server, made)
    listing = next(item for item in made.listings if item.name == "transfer_by_from_address")
    with server.connect(database) as session:
        session.run(f"DROP INDEX {listing.index}")
        catalog = read(session)
    planned = plans(server, database, made, catalog, events=EVENTS)
    server.drop(database)
    assert "transfer_by_from_address" in {p.name for p in planned if p.faults}
    assert {p.name for p in planned if p.faults} <= {"transfer_by_from_address", "transfer_by_account"}
    assert "Not as it should be" in plans_page(planned, EVENTS, "18.1")
