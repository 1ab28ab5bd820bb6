"""Contracts as npm has them: what is read of real artifacts, and which standards they keep."""

from __future__ import annotations

import pytest

from pgassay.chain.abi import ReadContracts, read_contracts
from pgassay.chain.columns import columns
from pgassay.chain.model import Contract
from pgassay.chain.presets import standards
from tests.npm import npm

PACKAGES = ("@openzeppelin/contracts@5.7.0", "@tokenysolutions/t-rex@4.1.6", "@onchain-id/solidity@2.2.1")


@pytest.fixture(scope="module")
def read() -> ReadContracts:
    return read_contracts([p.rpartition("@")[0] for p in PACKAGES], npm(*PACKAGES))


def named(read: ReadContracts, name: str) -> Contract:
    return next(c for c in read.contracts if c.name.split(" ")[0] == name)


def test_everything_is_read(read: ReadContracts) -> None:
    signatures = {e.signature for c in read.contracts for e in c.events}
    assert len(read.contracts) > 300 and len(signatures) > 200
    assert len({s.partition("(")[0] for s in signatures}) < len(signatures)  # overloads
    assert not [n for n in read.notes if "left out" in n]
    assert any("told apart by their files: ERC1967Proxy, ERC20" in n for n in read.notes)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ERC20", {"erc20"}),
        ("ERC721Enumerable", {"erc721"}),
        ("ERC1155Supply", {"erc1155"}),
        ("AccessControl", {"access-control"}),
        ("Token", {"erc20", "erc3643", "agent-role", "ownable"}),
        ("IdentityRegistry", {"identity-registry", "agent-role", "ownable"}),
        ("TrustedIssuersRegistry", {"trusted-issuers-registry", "ownable"}),
        ("ModularCompliance", {"compliance", "ownable"}),
        ("ClaimIssuer", {"claim-issuer", "erc734", "erc735"}),
        ("IdFactory", {"identity-factory", "ownable"}),
        ("GovernorSettings", set()),
        ("Math", set()),
    ],
)
def test_real_contracts_keep_their_standards(read: ReadContracts, name: str, kept: set[str]) -> None:
    assert standards(named(read, name)) == kept


def test_indexed_structs_are_hashes(read: ReadContracts) -> None:
    contract = named(read, "TREXImplementationAuthority")
    event = next(e for e in contract.events if e.name == "TREXVersionAdded")
    assert [(c.name, c.type) for c in columns(event.parameters, "plain")] == [
        ("version_hash", "evm_hash"),
        ("trex_hash", "evm_hash"),
    ]
