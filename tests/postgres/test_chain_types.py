"""Every value that an ABI type can hold goes in and comes out unchanged; what it cannot hold the database refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.chain.codec import checked, decode, encode
from pgassay.chain.columns import ColumnSpec, columns
from pgassay.chain.entity_columns import entity_columns
from pgassay.chain.model import AbiType, Layout, Parameter
from pgassay.chain.subgraph import parse_subgraph
from pgassay.chain.types import bounds, domain_name, domains
from pgassay.errors import InputError
from pgassay.model.names import Name, quote
from pgassay.server import Connection, Server, StatementError
from tests.abi_values import ELEMENTARY, parameters, rows, types, values

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
SCHEMAS = {layout: f"in_{layout}" for layout in LAYOUTS}


def refused(error: StatementError) -> bool:
    """Whether the server refused the value itself: a data exception, a broken constraint, or more dimensions than
    ``array_position`` takes (manual, appendix A)."""
    return error.sqlstate[:2] in ("22", "23") or error.sqlstate == "0A000"


@pytest.fixture(scope="module")
def typed(server: Server) -> Iterator[Connection]:
    """A database with every domain in every layout, each layout in a schema of its own."""
    with server.database() as database, server.connect(database) as connection:
        used = {name for of in ELEMENTARY if (name := domain_name(of))} | {"evm_hash", "raw_string", "evm_bigint"}
        for layout in LAYOUTS:
            forward, _ = domains(layout, used, SCHEMAS[layout])
            connection.run(";".join((f"CREATE SCHEMA {SCHEMAS[layout]}", *forward)))
        yield connection


def make_table(connection: Connection, made: tuple[ColumnSpec, ...]) -> None:
    lines = [f"{quote(c.name)} {c.type}{' NOT NULL' if c.not_null else ''}" for c in made]
    lines += [f"CHECK ({check})" for c in made for check in c.checks]
    connection.run(f"CREATE TEMP TABLE t ({', '.join(lines)})")


def store(connection: Connection, texts: tuple[str | None, ...]) -> list[str | None]:
    """Insert a row and read it back."""
    marks = ", ".join(f"${n}" for n in range(1, len(texts) + 1))
    return connection.run(f"INSERT INTO t VALUES ({marks}) RETURNING *", texts)[0]


def without_dictionary(made: tuple[ColumnSpec, ...], layout: Layout) -> tuple[ColumnSpec, ...]:
    """The compact layout's columns as they are when the dictionary was joined."""
    address = str(Name(SCHEMAS[layout], "evm_address"))
    return tuple(ColumnSpec(name=c.name, type=address, leaf=c.leaf) if c.address else c for c in made)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[Parameter, ...], tuple[Any, ...]]:
    held = tuple(draw(st.lists(parameters, min_size=1, max_size=4)))
    return held, draw(rows(held))


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(table=tables(), layout=st.sampled_from(LAYOUTS))
def test_every_value_comes_out_as_it_went_in(
    typed: Connection, table: tuple[tuple[Parameter, ...], tuple[Any, ...]], layout: Layout
) -> None:
    held, row = table
    made = without_dictionary(columns(held, layout, schema=SCHEMAS[layout]), layout)
    with typed.rolled_back():
        make_table(typed, made)
        assert decode(held, store(typed, encode(held, row, layout)), layout) == row


def ends(of: AbiType, layout: Layout) -> tuple[list[str], list[str]]:
    """The outermost values of a type, and those just beyond."""
    match of.kind:
        case "uint" | "int" | "fixed" | "ufixed":
            least, greatest = bounds(of.kind, of.size or 0)
            tail = f"e-{of.places}" if of.places else ""
            beyond = [f"{least - 1}{tail}", f"{greatest + 1}{tail}", f"0.5{tail or 'e0'}"]
            return [f"{least}{tail}", f"{greatest}{tail}"], [*beyond, "NaN", "Infinity", "-Infinity", ""]
        case "address" if layout == "plain":
            digits = "0x" + "a" * 40
            wrong = [
                digits.upper(),
                "0x" + "A" * 40,
                digits[:-1],
                digits + "a",
                digits + "\n",
                "0x" + "g" * 40,
                "a" * 42,
            ]
            return [digits], wrong
        case "fixed bytes" | "function" | "address":
            size = {"function": 24, "address": 20}.get(of.kind, of.size or 0)
            wrong = ["\\x" + "00" * (size - 1), "\\x" + "00" * (size + 1), "\\xg0"]
            return ["\\x" + "ff" * size, "\\x" + "00" * size], wrong
        case _:
            return [], []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_elementary_type_holds_its_ends_and_no_more(typed: Connection, layout: Layout) -> None:
    for of in ELEMENTARY:
        fits, wrong = ends(of, layout)
        cast = f"SELECT CAST($1 AS {SCHEMAS[layout]}.{domain_name(of)})"
        for text in fits:
            assert typed.value(cast, [text]) is not None, (of.canonical, text)
        for text in wrong:
            with pytest.raises(StatementError) as refusal:
                typed.value(cast, [text])
            assert refused(refusal.value), (of.canonical, text)


def test_an_amount_with_a_fraction_is_refused_not_rounded(typed: Connection) -> None:
    with pytest.raises(StatementError, match="uint256_is_valid"):
        typed.run("SELECT 0.5::in_plain.uint256")


@pytest.mark.parametrize("text", ["{NULL,1}", "[2:3]={1,2}", "{{1},{2}}", "{1}", "{1,2,3}", "{}", "{1,-1}", "{1,256}"])
def test_an_array_is_a_list_of_its_length(typed: Connection, text: str) -> None:
    pair = AbiType(kind="array", element=AbiType(kind="uint", size=8), length=2)
    with typed.rolled_back():
        make_table(typed, columns([Parameter(name="held", type=pair)], "plain", schema="in_plain"))
        assert store(typed, ("{1,2}",)) == ["{1,2}"]
        with pytest.raises(StatementError):
            store(typed, (text,))


@pytest.mark.parametrize(
    ("text", "raw"), [(None, None), ("a", "\\x00"), (None, "\\x61"), (None, "\\xf09f9880"), (None, "\\x")]
)
def test_a_string_is_in_one_place(typed: Connection, text: str | None, raw: str | None) -> None:
    with typed.rolled_back():
        make_table(typed, columns([Parameter(name="held", type=AbiType(kind="string"))], "plain", schema="in_plain"))
        with pytest.raises(StatementError):
            store(typed, (text, raw))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 300), st.floats(allow_nan=False), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=4,
)


def spoiled(draw: st.DrawFn, good: Any) -> Any:
    """The same JSON with one thing changed, in any depth."""
    options = ["replace"]
    if isinstance(good, list):
        options += ["add", *(["inside", "remove"] if good else [])]
    if isinstance(good, dict):
        options += ["add key", *(["inside key", "remove key"] if good else [])]
    if isinstance(good, str):
        options += ["text"]
    match draw(st.sampled_from(options)):
        case "add":
            return [*good, draw(JSON)]
        case "remove":
            return good[1:]
        case "inside":
            at = draw(st.integers(0, len(good) - 1))
            return [*good[:at], spoiled(draw, good[at]), *good[at + 1 :]]
        case "add key":
            return {**good, "another": draw(JSON)}
        case "remove key":
            return {k: v for k, v in good.items() if k != sorted(good)[0]}
        case "inside key":
            key = draw(st.sampled_from(sorted(good)))
            return {**good, key: spoiled(draw, good[key])}
        case "text":
            return draw(
                st.sampled_from([good + "0", "0" + good, "-" + good, good.upper(), good[:-1], good + "\n", "0x", ""])
            )
        case _:
            return draw(JSON)


@st.composite
def spoiled_json(draw: st.DrawFn) -> tuple[Parameter, Any]:
    inner = draw(st.one_of(types, st.builds(lambda c: AbiType(kind="tuple", components=(c, c)), parameters)))
    element = AbiType(kind="array", element=inner, length=draw(st.sampled_from([None, 1, 2])))
    of = AbiType(kind="array", element=element)
    good = draw(values(of))
    held = Parameter(name="held", type=of)
    text = encode([held], [good], "plain")[0]
    return held, spoiled(draw, json.loads(text or ""))


@settings(QUICK, max_examples=30)
@given(case=spoiled_json())
def test_jsonb_takes_a_value_of_its_type_and_nothing_else(typed: Connection, case: tuple[Parameter, Any]) -> None:
    held, value = case
    with typed.rolled_back():
        make_table(typed, columns([held], "plain", schema="in_plain"))
        try:
            stored = store(typed, (json.dumps(value),))
        except StatementError as refusal:
            assert refused(refusal)
            with pytest.raises(
                (InputError, ValueError, TypeError, KeyError, AssertionError, AttributeError, IndexError)
            ):
                again = decode([held], [json.dumps(value)], "plain")
                assert json.loads(encode([held], again, "plain")[0] or "") == value
        else:
            (again,) = decode([held], stored, "plain")
            assert checked(held.type, again) == again
            assert json.loads(encode([held], [again], "plain")[0] or "") == value


@pytest.mark.parametrize("of", [t for t in ELEMENTARY if t.kind in ("uint", "int") and (t.size or 0) % 24 in (0, 16)])
def test_integers_in_jsonb_end_where_their_type_ends(typed: Connection, of: AbiType) -> None:
    matrix = AbiType(kind="array", element=AbiType(kind="array", element=of))
    (column,) = columns([Parameter(name="held", type=matrix)], "plain")
    least, greatest = bounds(of.kind, of.size or 0)
    near = [10**n + d for n in range(len(str(greatest)) - 3, len(str(greatest))) for d in (-1, 0, 1)]
    fits = [str(n) for n in (least, greatest, 0, 1, *near, *(-n for n in near)) if least <= n <= greatest]
    wrong = [
        str(least - 1),
        str(greatest + 1),
        "9" * 400,
        "-" + "9" * 400,
        "01",
        "-0",
        "+1",
        " 1",
        "1\n",
        "1e1",
        "1.0",
        "",
        "x",
    ]
    check = column.checks[0].replace("held", "held::jsonb")
    held = "json_build_array(json_build_array(value))::text"
    sql = f"SELECT value FROM json_array_elements_text($1) value, CAST({held} AS text) held WHERE {check}"
    rows = typed.run(sql, [json.dumps(fits + wrong)])
    assert [row[0] for row in rows] == fits


TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.from_regex(r"-?[0-9]{1,80}(\.[0-9]{1,3})?(e-?[0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"\\x([0-9a-fA-F]{2}){0,33}", fullmatch=True),
    st.from_regex(r"0x[0-9a-fA-F]{39,41} ?", fullmatch=True),
    st.from_regex(r"(\[2:3\]=)?\{(1|NULL|\{1\}|\"a\"|2\.5|,){0,4}\}", fullmatch=True),
    st.sampled_from(
        ["true", "t", "NaN", "Infinity", "{1,2}", "{}", "{NULL}", "[0:1]={1,2}", "{{1,2}}", "1_000", "0x10"]
    ),
)


@settings(QUICK, max_examples=60)
@given(of=st.one_of(st.sampled_from(ELEMENTARY), types), layout=st.sampled_from(LAYOUTS), data=st.data())
def test_what_the_database_takes_is_a_value_of_the_type(
    typed: Connection, of: AbiType, layout: Layout, data: st.DataObject
) -> None:
    held = (Parameter(name="held", type=of),)
    made = without_dictionary(columns(held, layout, schema=SCHEMAS[layout]), layout)
    texts = tuple(data.draw(st.one_of(st.none(), TEXT)) for _ in made)
    with typed.rolled_back():
        make_table(typed, made)
        try:
            stored = store(typed, texts)
        except StatementError as refusal:
            assert refused(refusal)
        else:
            again = decode(held, stored, layout)
            assert (checked(of, again[0]),) == again
            assert not any(t and t.startswith("[") and c.type.endswith("[]") for t, c in zip(stored, made, strict=True))
            assert tuple(stored) == encode(held, again, layout) or of.kind in (
                "bool",
                "fixed",
                "ufixed",
                "array",
                "tuple",
            )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_domains_go_as_they_came(connection: Connection, layout: Layout) -> None:
    forward, back = domains(layout, {"uint256", "evm_address", "evm_hash", "raw_string", "evm_int8"})
    connection.run(";".join(forward))
    connection.run(";".join(back))
    assert (
        connection.value("SELECT count(*) FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace")
        == "0"
    )


GRAPH = parse_subgraph(
    "type A @entity { id: Bytes! n: BigInt! ns: [BigInt!]! d: BigDecimal! ds: [BigDecimal!]! e: E! es: [E!]! b: B"
    " at: Timestamp! }"
    " type B @entity { id: ID! deep: [[Int!]!] } enum E { X Y }",
    "schema.graphql",
)
GOOD = ("\\x01", str(10**78 - 1), "{-5,0}", "0.1", "{1.5,-2}", "X", "{X,Y,X}", "b", "2026-01-01 00:00:00+00")


@pytest.mark.parametrize(
    ("at", "wrong"),
    [(1, str(10**78)), (1, "1.5"), (1, "NaN"), (2, "{1.5}"), (2, "{NULL}"), (3, "NaN"), (3, "-Infinity"),
     (4, "{1,NaN}"), (5, "Z"), (6, "{X,Z}"), (6, "{{X},{Y}}"), (0, None), (5, None), (8, "no time")],
)  # fmt: skip
def test_columns_of_entities_hold_what_their_types_say(typed: Connection, at: int, wrong: str | None) -> None:
    with typed.rolled_back():
        make_table(typed, entity_columns(GRAPH.entities[0], GRAPH, schema="in_plain"))
        assert store(typed, GOOD)[:8] == list(GOOD[:8])
        with pytest.raises(StatementError) as refusal:
            store(typed, (*GOOD[:at], wrong, *GOOD[at + 1 :]))
        assert refused(refusal.value)


def test_nested_lists_are_arrays_in_jsonb(typed: Connection) -> None:
    with typed.rolled_back():
        make_table(typed, entity_columns(GRAPH.entities[1], GRAPH, schema="in_plain"))
        assert store(typed, ("b", "[[1], []]")) == ["b", "[[1], []]"]
        with pytest.raises(StatementError):
            store(typed, ("b", "{}"))
