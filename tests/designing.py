"""What the tests of the design share: contracts, strategies for whole contracts, rows of transfers."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from pgassay.chain.model import AbiType, Contract, Event, Parameter
from pgassay.chain.presets import presets
from tests.abi_values import parameters

EXAMPLES = int(os.environ.get("PGASSAY_EXAMPLES", "0"))  # hundreds: set it; the suite has a few
ADDRESS, AMOUNT = AbiType(kind="address"), AbiType(kind="uint", size=256)
ALL = presets(("erc20", "erc721", "erc1155", "erc3643", "onchainid"))

_NAMES = st.sampled_from(
    ["Transfer", "transfer", "order", "Order", "User", "Tokens", "blocks", "balances", "TokensIdx", "hash32", "uint8",
     "__", "é", "T" * 70, "A_B", "a", "claims", "event_id"]
)  # fmt: skip
_events = st.builds(
    lambda n, p, a: Event(name=n, parameters=_three(p), anonymous=a),
    _NAMES,
    st.lists(parameters, max_size=5),
    st.booleans(),
)
contracts = st.builds(
    lambda n, e: Contract(name=n, path="made.json", events=tuple(e)), _NAMES, st.lists(_events, max_size=5)
)


def _three(of: list[Parameter]) -> tuple[Parameter, ...]:
    """Only the first three may be indexed, as Solidity has it."""
    return tuple(Parameter(name=p.name, type=p.type, indexed=p.indexed and n < 3) for n, p in enumerate(of))


def address(number: int) -> str:
    """An address as the plain layout has it."""
    return f"0x{number:040x}"


def block(number: int, chain: int = 1) -> str:
    """An INSERT of one block."""
    hashed, parent = f"'\\x{number:064x}'", f"'\\x{max(number - 1, 0):063x}f'"
    return (
        "INSERT INTO blocks (number, time, chain_id, hash, parent_hash) VALUES"
        f" ({number}, timestamptz '2026-01-01 00:00Z' + {number} * interval '12 s', {chain}, {hashed}, {parent})"
    )


def transfers(number: int, moves: list[tuple[int, int, int]], *, token: int = 99, start: int = 0) -> str:
    """An INSERT of ERC-20 transfers (giver, taker, amount) in one block."""
    rows = ", ".join(
        f"({number}, timestamptz '2026-01-01 00:00Z' + {number} * interval '12 s', 1, {n}, '{address(token)}',"
        f" '{address(giver)}', '{address(taker)}', {amount}, '\\x{number:064x}')"
        for n, (giver, taker, amount) in enumerate(moves, start)
    )
    return (
        "INSERT INTO transfer (block_number, block_time, chain_id, log_index, contract_address, from_address,"
        f" to_address, value, transaction_hash) VALUES {rows}"
    )
