"""The standards' own interfaces, and which of them a contract keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgassay.chain.abi_text import read_declaration
from pgassay.chain.keccak import selector, topic
from pgassay.chain.model import Contract, Event, Function
from pgassay.chain.presets import PRESETS, preset, presets, standard_names, standards
from pgassay.errors import UsageError


def xor(selectors: list[str]) -> str:
    found = 0
    for each in selectors:
        found ^= int(each, 16)
    return f"0x{found:08x}"


@pytest.mark.parametrize(
    ("name", "identifier", "optional"),
    [
        ("erc721", "0x80ac58cd", {"name()", "symbol()", "tokenURI(uint256)"}),
        ("erc1155", "0xd9b67a26", {"uri(uint256)"}),
        ("erc20", "0x36372b07", {"name()", "symbol()", "decimals()"}),
    ],
)
def test_interfaces_have_the_identifiers_of_their_standards(name: str, identifier: str, optional: set[str]) -> None:
    """ERC-165: an interface's identifier is the exclusive or of its functions' selectors."""
    (contract,) = preset(name)
    assert xor([selector(f.signature) for f in contract.functions if f.signature not in optional]) == identifier


TOPICS = """
erc20 Approval(address,address,uint256) 8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925
erc721 ApprovalForAll(address,address,bool) 17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31
erc1155 TransferSingle(address,address,address,uint256,uint256) c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62
"""  # noqa: E501


@pytest.mark.parametrize("line", TOPICS.strip().splitlines())
def test_events_have_the_topics_that_chains_show(line: str) -> None:
    name, signature, hash = line.split()
    assert signature in {e.signature for c in preset(name) for e in c.events}
    assert topic(signature) == f"0x{hash}"


def test_every_preset_keeps_its_own_standard() -> None:
    assert standards(preset("ERC-20")[0]) == {"erc20"}
    assert standards(preset("nft")[0]) == {"erc721"}
    assert standards(preset("erc1155")[0]) == {"erc1155"}
    assert standards(preset("T-REX")[0]) == {"erc20", "erc3643"}
    assert all(standards(c) for name in PRESETS for c in preset(name))


def test_erc3643_has_identity_claims_compliance_freezes_recovery_and_forced_transfers() -> None:
    contracts = preset("erc3643")
    events = {e.name for c in contracts for e in c.events}
    assert {
        "IdentityRegistered",
        "ClaimAdded",
        "TokenBound",
        "AddressFrozen",
        "TokensFrozen",
        "RecoverySuccess",
    } <= events
    assert "forcedTransfer(address,address,uint256)" in {f.signature for f in contracts[0].functions}


def test_erc20_and_erc721_share_a_signature_and_are_told_apart() -> None:
    (coin,), (piece,) = preset("erc20"), preset("erc721")
    assert standards(replace(coin, functions=())) == {"erc20"}
    assert standards(replace(piece, functions=())) == {"erc721"}
    assert standards(replace(coin, events=coin.events[:1])) == frozenset()
    assert standards(replace(coin, functions=coin.functions[1:])) == frozenset()
    assert standards(Contract(name="Nothing", path="")) == frozenset()


def test_a_standards_events_have_its_names_whoever_logs_them() -> None:
    def named(text: str) -> list[str]:
        event = read_declaration(text)
        assert isinstance(event, Event)
        return [p.name for p in standard_names(event).parameters]

    assert named("event Transfer(address indexed src, address indexed dst, uint wad)") == ["from", "to", "value"]
    assert named("event Transfer(address indexed a, address indexed b, uint indexed c)") == ["from", "to", "tokenId"]
    assert named("event Transfer(address a, address b, uint c)") == ["a", "b", "c"]
    assert named("event Mint(address indexed who)") == ["who"]


def test_presets_together_hold_each_contract_once() -> None:
    assert [c.name for c in presets(("onchainid", "erc3643"))].count("Identity") == 1


def test_no_such_preset() -> None:
    with pytest.raises(UsageError, match="no preset 'erc2O'\nDid you mean erc20"):
        preset("erc2O")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event E()", "E()"),
        ("event E(uint, int[2][] a) anonymous;", "E(uint256,int256[2][])"),
        (
            "function f(tuple(address maker, bytes[] memory notes)[] orders) external view returns (bool)",
            "f((address,bytes[])[])",
        ),
        ("event E((bool,(bool)) indexed)", "E((bool,(bool)))"),
    ],
)
def test_declarations(text: str, expected: str) -> None:
    read = read_declaration(text)
    assert read is not None and read.signature == expected
    assert not isinstance(read, Event) or read.anonymous == ("anonymous" in text)
    assert not isinstance(read, Function) or read.mutability == "view"
