"""The page that a reader of a design's output begins with speaks in the design's own names."""

from __future__ import annotations

import pytest

from pgassay.chain.design import design
from pgassay.chain.model import Retention, Settings
from pgassay.chain.presets import presets
from pgassay.report.design_guide import guide_page


@pytest.mark.parametrize(
    ("chosen", "there", "absent"),
    [
        (
            Settings(),
            ["INSERT INTO transfer (block_number", "SELECT revert_chain(chain_id"],
            ["Whose rows", "maintain_"],
        ),
        (
            Settings(layout="compact", tenancy="tenant", schema="My chain", reader_role="the app"),
            ["SET LOCAL app.tenant_id", '"My chain".address_number(chain_no', 'GRANT "the app" TO api', "CREATEROLE"],
            ["block_time"],
        ),
        (
            Settings(retention=(Retention("transfer", 90),)),
            ["`transfer` is kept for 90 days", "maintain_partitions()"],
            [],
        ),
        (Settings(partition="none"), ["## Read it"], ["## Partitions"]),
    ],
)
def test_it_says_what_this_design_needs(chosen: Settings, there: list[str], absent: list[str]) -> None:
    page = guide_page(design(presets(("erc20",)), None, chosen))
    assert [words for words in there if words not in page] == []
    assert [words for words in absent if words in page] == []
    assert "\n\n\n" not in page
