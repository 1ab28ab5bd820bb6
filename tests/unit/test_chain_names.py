"""Names: short, ASCII, unique, and never changed by what comes later."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.chain.names import LIMIT, Wanted, assign, joined, positional, reserved, snake
from pgassay.model.names import quote

PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Transfer", "transfer"),
        ("tokenURI", "token_uri"),
        ("tokenIds", "token_ids"),
        ("NFTs", "nfts"),
        ("_from", "from"),
        ("ERC3643IdentityRegistry", "erc3643_identity_registry"),
        ("bytes32Value", "bytes32_value"),
        ("2nd", "_2nd"),
        ("éclair", "eclair"),
        ("a$b", "a_b"),
        ("", ""),
        ("Robert'); DROP TABLE tokens;--", "robert_drop_table_tokens"),
    ],
)
def test_snake_case(name: str, expected: str) -> None:
    assert snake(name) == expected


def test_what_ascii_cannot_say_is_told_apart_by_a_hash() -> None:
    assert len({snake("Gold🪙"), snake("Gold🥇"), snake("Gold"), snake("токен"), snake("🪙")}) == 5
    assert snake("Gold🪙").startswith("gold_")


@given(st.text())
def test_any_text_gives_an_identifier(name: str) -> None:
    made = snake(name)
    assert made == "" or (PLAIN.match(made) and len(made.encode()) <= LIMIT)


def test_long_names_keep_their_beginning_and_stay_different() -> None:
    first, second = snake("a" * 80), snake("a" * 81)
    assert first != second and first.startswith("a" * 54) and len(first) == len(second) == LIMIT


def transfer(*types: str, rank: int = 0) -> Wanted:
    return Wanted(key=f"Transfer({','.join(types)})", name="Transfer", details=types, kind="event", rank=rank)


ERC20 = transfer("address", "address", "uint256")
ERC223 = transfer("address", "address", "uint256", "bytes")


def test_overloads_are_told_apart_by_their_types() -> None:
    assert assign([ERC223, ERC20]) == {
        ERC223.key: "transfer_address_address_uint256_bytes",
        ERC20.key: "transfer",
    }


def test_an_event_that_appears_later_renames_nothing() -> None:
    before = assign([ERC223])
    assert before == {ERC223.key: "transfer"}
    after = assign([ERC20, ERC223], earlier=before)
    assert after == {ERC20.key: "transfer_address_address_uint256", ERC223.key: "transfer"}


def test_the_standard_one_has_the_short_name() -> None:
    assert assign([transfer("uint256", rank=1), ERC20])[ERC20.key] == "transfer"


def test_reserved_words_get_their_kind() -> None:
    assert assign([Wanted(key="o", name="Order", kind="event")]) == {"o": "order_event"}
    assert positional(["from", "to", "xmin"], kinds=["address", "address", "uint256"]) == (
        "from_address",
        "to_address",
        "xmin_uint256",
    )


def test_parameters_by_position() -> None:
    assert positional(["", "value", "_value", "", "block_number"], taken=["block_number"]) == (
        "arg1",
        "value",
        "value_3",
        "arg4",
        "block_number_5",
    )


NAMES = st.one_of(
    st.text(max_size=80), st.sampled_from(["a", "A", "_a", "a_2", "a_3", "select", "Order", "order_event"])
)
WANTED = st.lists(
    st.builds(
        lambda n, d: Wanted(key=f"{n}({','.join(d)})", name=n, details=tuple(d)), NAMES, st.lists(NAMES, max_size=3)
    ),
    max_size=12,
)


@given(WANTED, WANTED)
def test_all_names_fit_differ_and_last(first: list[Wanted], more: list[Wanted]) -> None:
    before = assign(first, taken=["a"])
    after = assign(more + first, earlier=before, taken=["a"])
    assert {k: after[k] for k in before} == before
    assert len(set(after.values())) == len(after) and "a" not in after.values()
    assert assign(reversed(first), taken=["a"]) == before
    for name in after.values():
        assert PLAIN.match(name) and len(name) <= LIMIT and quote(name) == name and not reserved(name)


@given(st.lists(NAMES, max_size=12))
def test_parameter_names_differ_and_do_not_look_ahead(names: list[str]) -> None:
    made = positional(names, taken=["a_2"])
    assert len(set(made)) == len(made) and not {"a_2"} & set(made)
    assert made[:3] == positional(names[:3], taken=["a_2"])
    assert all(PLAIN.match(n) and len(n) <= LIMIT and not reserved(n) for n in made)


@given(st.lists(st.from_regex(r"[a-z_]{1,70}", fullmatch=True), min_size=1, max_size=4))
def test_joined_names_fit(parts: list[str]) -> None:
    assert len(joined(*parts)) <= LIMIT
