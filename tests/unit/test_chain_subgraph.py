"""Subgraph schemas: what they say, and what is wrong with them, by line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.chain.entity_columns import entity_columns
from pgassay.chain.model import Aggregate, Entity, EntityField
from pgassay.chain.subgraph import parse_subgraph, read_subgraph
from pgassay.errors import InputError

SCHEMA = """
"A token's contract"
type Token @entity {
  id: Bytes!
  "As the contract says it"
  symbol: String
  supply: BigInt!
  state: State!
  tags: [String!]!
  matrix: [[BigInt!]!]
  owner: Account!
  holders: [Account!]!
  transfers: [Transfer!]! @derivedFrom(field: "token")
  lastEvent: Event
}

type Account implements Node @entity(immutable: true) { id: ID! from: Bytes balance: BigDecimal! }

type Transfer implements Event & Node @entity(immutable: true) { id: ID! token: Token! value: BigInt! time: Timestamp! }

interface Event { id: ID! time: Timestamp! }
interface Node { id: ID! }
union Anything = Token | Account
enum State { ACTIVE FROZEN }

type Price @entity(timeseries: true) { id: Int8! timestamp: Timestamp! token: Token! amount: BigDecimal! }

type PriceStats @aggregation(intervals: ["hour", "day"], source: "Price") {
  id: Int8!
  timestamp: Timestamp!
  token: Token!
  total: BigDecimal! @aggregate(fn: "sum", arg: "amount", cumulative: true)
  highest: BigDecimal! @aggregate(fn: "max", arg: "amount * 2")
  count: Int8! @aggregate(fn: "count")
}

type _Schema_ @fulltext(name: "tokenSearch", language: en, algorithm: rank,
  include: [{ entity: "Token", fields: [{ name: "symbol" }] }])
"""
GRAPH = parse_subgraph(SCHEMA, "schema.graphql")


def entity(name: str) -> Entity:
    return next(e for e in GRAPH.entities if e.name == name)


def test_entities_with_their_options() -> None:
    assert [e.name for e in GRAPH.entities] == ["Token", "Account", "Transfer", "Price", "PriceStats"]
    assert (entity("Account").immutable, entity("Price").timeseries, entity("Token").immutable) == (True, True, False)
    assert entity("Token").description == "A token's contract"
    assert entity("Transfer").interfaces == ("Event", "Node") and entity("Account").interfaces == ("Node", "Anything")
    assert GRAPH.enums == (("State", ("ACTIVE", "FROZEN")),)
    assert GRAPH.fulltexts[0].includes == (("Token", ("symbol",)),)


def test_fields_with_their_lists() -> None:
    fields = {f.name: f for f in entity("Token").fields}
    assert fields["symbol"] == EntityField(name="symbol", type="String", description="As the contract says it", line=5)
    assert fields["tags"] == EntityField(
        name="tags", type="String", depth=1, required=True, required_items=True, line=9
    )
    assert (fields["matrix"].depth, fields["matrix"].required, fields["matrix"].required_items) == (2, False, True)
    assert fields["transfers"].derived_from == "token"


def test_aggregations() -> None:
    stats = entity("PriceStats")
    assert (stats.source, stats.intervals, [f.name for f in stats.fields]) == (
        "Price", ("hour", "day"), ["id", "timestamp", "token"],
    )  # fmt: skip
    assert stats.aggregates[0] == Aggregate(
        name="total", type="BigDecimal", function="sum", argument="amount", cumulative=True
    )


def test_columns_of_entities() -> None:
    made = {c.name: c for c in entity_columns(entity("Token"), GRAPH)}
    assert {name: (c.type, c.not_null, c.references) for name, c in made.items()} == {
        "id": ("bytea", True, None),
        "symbol": ("text", False, None),
        "supply": ("evm_bigint", True, None),
        "state": ("text", True, None),
        "tags": ("text[]", True, None),
        "matrix": ("jsonb", False, None),
        "owner_id": ("text", True, "Account"),
        "holders_ids": ("text[]", True, None),
        "last_event_id": ("text", False, None),
    }
    assert made["state"].checks == ("state IN ('ACTIVE', 'FROZEN')",)
    assert [c.name for c in entity_columns(entity("Account"), GRAPH)] == ["id", "from_value", "balance"]
    assert [c.type for c in entity_columns(entity("PriceStats"), GRAPH)][3:] == ["numeric", "numeric", "bigint"]


def test_a_field_that_appears_later_renames_nothing() -> None:
    before = parse_subgraph("type A @entity { id: ID! tokenID: String }", "s")
    after = parse_subgraph("type A @entity { token_id: String id: ID! tokenID: String }", "s")
    earlier = {"id": "id", "tokenID": "token_id"}
    assert [c.name for c in entity_columns(before.entities[0], before)] == ["id", "token_id"]
    names = [c.name for c in entity_columns(after.entities[0], after, earlier=earlier)]
    assert names[1:] == ["id", "token_id"] and names[0] not in names[1:]


def test_ids_of_one_interface_have_one_type() -> None:
    text = "interface I { id: ID! }\ntype A implements I @entity { id: ID! }\n"
    text += "type B implements I @entity { id: Bytes!\ni: I }"
    found = parse_subgraph(text, "s.graphql")
    with pytest.raises(InputError, match=r"s.graphql:4: i: ids of I have different types"):
        entity_columns(found.entities[1], found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type A @entity {\n id: ID!\n b: Strng\n}", r"s:3: A.b: no type Strng\nDid you mean String\?"),
        ("type A @entity {\n id: ID!\n b: [Nothing!]!\n}", "s:3: A.b: no type Nothing\nDefine it in the schema"),
        ("type A @entity {\n id ID!\n}", "s:2: Expected ':'"),
        ("type A @entity {\n id: ID!", "s:2: Expected Name, found <EOF>"),
        ("", "s:1: Unexpected <EOF>"),
        ("type A @entity {\n name: String }", "s:1: A needs a field `id`"),
        ("type A @entity {\n id: ID }", "s:2: A needs a field `id`"),
        ("type A @entity { id: ID! }\ntype A @entity { id: ID! }", "s:2: A is defined twice, first in line 1"),
        ("type A @entity { id: ID!\nid: ID! }", "s:2: A.id is there twice, first in line 1"),
        ("type A implements B @entity { id: ID! }", "s:1: A: no interface B"),
        ("interface B { id: ID! x: Int }\ntype A implements B @entity { id: ID! }", "s:2: A lacks x of B"),
        ('type A @entity { id: ID!\nb: [Int!] @derivedFrom(field: "a") }', "s:2: A.b: only entities can be derived"),
        ('type A @entity { id: ID!\nb: [A!] @derivedFrom(field: "a") }', "s:2: A.b: A has no field a"),
        ('type A @entity { id: ID!\nb: [A!] @derivedFrom(field: "b") }', "s:2: A.b: A.b is derived itself"),
        ("type A @entity { id: ID!\nb: [A!] @derivedFrom }", "s:2: A.b: write @derivedFrom"),
        ("union U = A", "s:1: union U: no entity A"),
        ("query { a }", "s:1: a subgraph's schema has types"),
        ("type A @entity(timeseries: true) { id: Int8! }", "s:1: A: a timeseries needs a field `timestamp"),
        ('type A @aggregation(source: "B") { id: Int8! }', "s:1: A: @aggregation needs intervals and source"),
        ('type A @aggregation(source: "B", intervals: ["day"]) { id: Int8! }', "s:1: A: no entity B"),
        (
            'type B @entity { id: ID! }\ntype A @aggregation(source: "B", intervals: ["day"]) { id: Int8! }',
            "s:2: A: its source B is no",
        ),
        ('type A @entity { id: ID!\nn: Int8! @aggregate(fn: "count") }', "s:1: A: @aggregate is for types with"),
        ('type A @entity { id: ID!\nn: Int8! @aggregate(fn: "mean") }', "s:2: A.n: no aggregate 'mean'"),
        ("type _Schema_ @fulltext(name: 1)", "s:1: @fulltext needs name, language and include"),
        (
            'type _Schema_ @fulltext(name: "f", language: en, include: [{entity: "A", fields: []}])',
            "s:1: @fulltext f: no entity A",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_subgraph(text, "s")


def test_deep_brackets_are_no_traceback() -> None:
    with pytest.raises(InputError):
        parse_subgraph("type A { a: " + "[" * 100_000, "s")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "schema.graphql"
    path.write_text("\ufeff" + SCHEMA)
    assert read_subgraph(path).entities == GRAPH.entities
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"schema.graphql: cannot be read: not UTF-8"):
        read_subgraph(path)
    with pytest.raises(InputError, match="No such file"):
        read_subgraph(tmp_path / "none.graphql")


WORDS = st.sampled_from(SCHEMA.replace("(", " ( ").replace(")", " ) ").replace(":", " : ").split())


@given(st.lists(WORDS, max_size=30), st.integers(0, len(SCHEMA)), st.integers(0, 40))
def test_no_schema_ends_in_a_traceback(words: list[str], at: int, cut: int) -> None:
    for text in (" ".join(words), SCHEMA[:at] + " ".join(words[:3]) + SCHEMA[at + cut :]):
        with contextlib.suppress(InputError):
            found = parse_subgraph(text, "s")
            for each in found.entities:
                entity_columns(each, found)
