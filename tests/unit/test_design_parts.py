"""The design as a pure function: names, reasons, listings."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgassay.chain.design import design, sources
from pgassay.chain.model import Contract, Design, Event, Layout, Parameter, Settings, Tenancy
from pgassay.chain.subgraph import parse_subgraph
from pgassay.errors import InputError, UsageError
from tests.designing import ADDRESS, ALL, AMOUNT, contracts

_INDEX = re.compile(r"CREATE INDEX (\S+) ON (\S+)")


def statements(made: Design) -> list[str]:
    return [s for part in made.parts for s in part.forward]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(contracts, max_size=3),
    st.sampled_from(["plain", "bytea", "compact"]),
    st.sampled_from(["none", "owner", "tenant"]),
)
def test_names_fit_and_differ_and_every_listing_is_served(
    found: list[Contract], layout: Layout, tenancy: Tenancy
) -> None:
    made = design(found, None, Settings(layout=layout, tenancy=tenancy))
    every = statements(made)
    names = [m[1] for m in map(_INDEX.match, every) if m] + [t.name for t in made.tables]
    assert len(names) == len(set(names))
    assert all(len(n.strip('"').encode()) <= 63 for n in names)
    whole = "\n".join(every)
    indexes = [m[1] for m in map(_INDEX.match, every) if m]
    assert [i for i in indexes if f"COMMENT ON INDEX public.{i} IS" not in whole] == []
    unserved = [i.name for i in made.listings if i.index is None and len(i.indexes) != max(len(i.either), 1)]
    assert unserved == []
    assert len({i.name for i in made.listings}) == len(made.listings)
    events = {(e.signature, sum(p.indexed for p in e.parameters), e.anonymous) for c in found for e in c.events}
    assert len([t for t in made.tables if t.role == "event"]) == len(events)


def test_every_event_has_its_topic() -> None:
    found = {t.source: t.topic for t in design(ALL).tables}
    topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert found["event Transfer(address,address,uint256), 2 indexed"] == topic
    assert found["event Transfer(address,address,uint256), 3 indexed"] == topic


def test_a_table_keeps_its_name_when_others_come() -> None:
    short = Event(name="Moved", parameters=(Parameter(name="to", type=ADDRESS, indexed=True),))
    long = replace(short, parameters=(*short.parameters, Parameter(name="value", type=AMOUNT)))
    before = design([Contract(name="A", path="a", events=(long,))])
    comments = [(t.name, f"{t.purpose}\nSource: {t.source}") for t in before.tables]
    after = design([Contract(name="A", path="a", events=(short, long))], earlier=sources(comments))
    names = {t.source: t.name for t in after.tables if t.role == "event"}
    assert names == {
        "event Moved(address,uint256), 1 indexed": "moved",
        "event Moved(address), 1 indexed": "moved_address",
    }


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (Settings(layout="compact", partition="time"), "cannot be partitioned by time"),
        (Settings(partition_size=2**40), "at most 4294967296 blocks"),
        (Settings(partition="time", partition_size=10**6), "at most 36500 days"),
    ],
)
def test_settings_that_contradict_each_other(chosen: Settings, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        design(ALL, None, chosen)


def test_an_aggregation_that_cannot_be_read_names_its_line() -> None:
    graph = parse_subgraph(
        "type Tick @entity(timeseries: true) { id: Int8! timestamp: Timestamp! price: BigDecimal! }\n"
        'type Stats @aggregation(intervals: ["hour"], source: "Tick") { id: Int8! timestamp: Timestamp!\n'
        '  top: BigDecimal! @aggregate(fn: "max", arg: "price; DROP TABLE x") }',
        "schema.graphql",
    )
    with pytest.raises(InputError, match=r"schema\.graphql:\d"):
        design([], graph)


@pytest.mark.parametrize("layout", ["plain", "bytea", "compact"])
def test_the_packed_layouts_have_one_column_for_a_place(layout: Layout) -> None:
    made = "\n".join(statements(design(ALL, None, Settings(layout=layout))))
    assert ("event_id bigint NOT NULL" in made) == (layout != "plain")
    assert ("CREATE VIEW public.transfer_plain" in made) == (layout != "plain")
    assert ("public.addresses" in made) == (layout == "compact")
