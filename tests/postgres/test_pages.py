"""A page far behind costs what the first one costs, and a token's statistics do not grow with its transfers."""

from __future__ import annotations

import pytest

from benchmarks.pages import listings, load, statistics
from pgassay.catalog import read
from pgassay.chain.design import design
from pgassay.chain.model import Layout, Settings
from pgassay.chain.presets import presets
from pgassay.server import Server
from pgassay.workflows.design import proved


@pytest.mark.parametrize("layout", ["plain", "compact"])
def test_page_1_and_page_300_read_the_same(server: Server, layout: Layout) -> None:
    made = design(presets(("erc20",)), None, Settings(layout=layout, chains=(1,)))
    read_in = []
    for rows in (3_000, 18_000):
        database, _ = proved(server, made)
        with server.connect(database) as session:
            load(session, made, rows)
            catalog = read(session)
            read_in.append(statistics(session, made, catalog))
            found = list(listings(session, made, catalog, fewest=300, pages=20))
        server.drop(database)
    assert len(found) >= 2
    assert max(m.number for m in found) > 300
    for m in found:  # a page of ten rows touches few buffers: half a one is more than a tenth
        assert m.late - m.first <= max(0.1 * m.first, 0.5), m
    assert read_in[0] == read_in[1] <= 3
