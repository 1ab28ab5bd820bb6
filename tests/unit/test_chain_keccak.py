"""Hashes that the ABI specification and EIP-55 print."""

from __future__ import annotations

import pytest

from pgassay.chain.keccak import checksummed, keccak256, selector, topic


def test_the_empty_hash() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_topic_and_selector() -> None:
    assert topic("Transfer(address,address,uint256)") == (
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    )
    assert selector("baz(uint32,bool)") == "0xcdcd77c0"


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_checksums_of_eip_55(address: str) -> None:
    assert checksummed(address.lower()) == address
