"""The Python edge: checksums, and values that do not fit, said clearly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pgassay.chain.codec import address, checked, decode, encode
from pgassay.chain.columns import columns
from pgassay.chain.model import AbiType, Parameter
from pgassay.errors import InputError

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
PAIR = AbiType(
    kind="tuple",
    components=(Parameter(name="maker", type=AbiType(kind="address")), Parameter(name="", type=AbiType(kind="bool"))),
)


@pytest.mark.parametrize("text", [CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper()])
def test_addresses_are_stored_in_lower_case(text: str) -> None:
    assert address(text) == CHECKSUMMED.lower()


def test_a_wrong_checksum_is_an_error_with_the_way_out() -> None:
    with pytest.raises(InputError, match="checksum of 0x5AAe") as error:
        address(CHECKSUMMED.replace("5aA", "5AA"), "holder")
    assert CHECKSUMMED in (error.value.hint or "")


@pytest.mark.parametrize("text", ["", "0x", CHECKSUMMED[2:], CHECKSUMMED + "0", CHECKSUMMED + "\n", "vitalik.eth"])
def test_no_address(text: str) -> None:
    with pytest.raises(InputError, match="is no address"):
        address(text)


@pytest.mark.parametrize(
    ("of", "value", "message"),
    [
        (AbiType(kind="uint", size=8), 256, "held: 256 does not fit uint8 (0 to 255)"),
        (AbiType(kind="uint", size=256), -1, "held: -1 does not fit uint256"),
        (AbiType(kind="int", size=256), -(2**255) - 1, "does not fit int256"),
        (AbiType(kind="uint", size=8), True, "held: True is no uint8"),
        (AbiType(kind="uint", size=8), 1.0, "held: 1.0 is no uint8"),
        (AbiType(kind="uint", size=8), "1", "held: '1' is no uint8"),
        (AbiType(kind="fixed", size=8, places=1), Decimal("0.15"), "held: 0.15 does not fit fixed8x1"),
        (AbiType(kind="fixed", size=8, places=1), Decimal("NaN"), "held: NaN does not fit fixed8x1"),
        (AbiType(kind="bool"), 1, "held: 1 is no bool"),
        (AbiType(kind="fixed bytes", size=4), b"abc", "held: bytes4 has 4 bytes, not 3"),
        (AbiType(kind="bytes"), "0xabc", "held: '0xabc' is no bytes"),
        (AbiType(kind="string"), "\ud800", "held: a lone surrogate"),
        (PAIR, (CHECKSUMMED,), "held: 2 components are needed, not 1"),
        (PAIR, {"maker": CHECKSUMMED}, "held: the components are maker, 1, not maker"),
        (PAIR, (CHECKSUMMED, "yes"), "held.1: 'yes' is no bool"),
        (AbiType(kind="array", element=PAIR, length=2), [], "held: (address,bool)[2] has 2 elements, not 0"),
        (AbiType(kind="array", element=PAIR), [(CHECKSUMMED, None)], "held[0].1: None is no bool"),
    ],
)
def test_what_does_not_fit_is_said_where_it_is(of: AbiType, value: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        checked(of, value, "held")
    assert message in str(error.value)


def test_tuples_go_in_by_name_and_come_out_by_position() -> None:
    held = [Parameter(name="pair", type=PAIR)]
    texts = encode(held, [{"maker": CHECKSUMMED, "1": True}], "bytea")
    assert texts == ("\\x" + CHECKSUMMED[2:].lower(), "true")
    assert decode(held, texts, "bytea") == ((CHECKSUMMED.lower(), True),)


def test_an_indexed_string_is_its_hash() -> None:
    held = [Parameter(name="name", type=AbiType(kind="string"), indexed=True)]
    assert [c.name for c in columns(held, "plain")] == ["name_hash"]
    assert encode(held, ["0x" + "00" * 32], "plain") == ("\\x" + "00" * 32,)
    with pytest.raises(InputError, match="bytes32 has 32 bytes, not 3"):
        encode(held, [b"abc"], "plain")


def test_the_number_of_values_is_that_of_parameters() -> None:
    with pytest.raises(InputError, match="1 parameters, but 0 values"):
        encode([Parameter(name="x", type=AbiType(kind="bool"))], [], "plain")


def test_columns_of_a_contract_made_to_annoy() -> None:
    uint8 = AbiType(kind="uint", size=8)
    order = AbiType(kind="tuple", components=(Parameter(name="note", type=AbiType(kind="string")),))
    held = [
        Parameter(name="from", type=AbiType(kind="address"), indexed=True),
        Parameter(name="", type=uint8),
        Parameter(name="order", type=order),
        Parameter(name="order_note_raw", type=uint8),
        Parameter(name="Robert'); DROP TABLE tokens;--", type=uint8),
        Parameter(name="🪙" * 40, type=uint8),
        Parameter(name="x" * 80, type=uint8),
        Parameter(name="block_number", type=uint8),
    ]
    names = [c.name for c in columns(held, "plain", taken=["block_number"])]
    assert names[:5] == ["from_address", "arg2", "order_note", "order_note_raw", "order_note_raw_5"]
    assert names[5] == "robert_drop_table_tokens"
    assert names[6].startswith("x_") and names[7].startswith("xxxx") and len(names[7]) == 63
    assert names[8] == "block_number_9"


def test_more_columns_than_a_table_has() -> None:
    bools = tuple(Parameter(name=f"b{n}", type=AbiType(kind="bool")) for n in range(1300))
    (one,) = columns([Parameter(name="all", type=AbiType(kind="tuple", components=bools))], "plain")
    assert one.type == "jsonb"
    with pytest.raises(InputError, match="1300 parameters need 1300 columns"):
        columns(bools, "plain")
