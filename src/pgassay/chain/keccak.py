"""Keccak-256 as Ethereum uses it (the original padding, not that of SHA3-256), and the checksums made of it."""

from __future__ import annotations

from functools import lru_cache

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """The 32 bytes of the hash."""
    return keccak.new(digest_bits=256, data=data).digest()


@lru_cache(maxsize=4096)
def topic(signature: str) -> str:
    """The hash that an event's logs carry as their first topic: ``0x`` and 64 hexadecimal digits, for a canonical
    signature such as ``Transfer(address,address,uint256)`` (ABI specification, "Events")."""
    return "0x" + keccak256(signature.encode()).hex()


def selector(signature: str) -> str:
    """The first four bytes of the hash, by which a function is called: ``0x`` and 8 hexadecimal digits."""
    return topic(signature)[:10]


def checksummed(address: str) -> str:
    """An address of ``0x`` and 40 lower-case hexadecimal digits with the capitals of EIP-55."""
    digits = address[2:]
    nibbles = keccak256(digits.encode()).hex()
    return "0x" + "".join(d.upper() if n >= "8" else d for d, n in zip(digits, nibbles, strict=False))
