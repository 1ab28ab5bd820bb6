"""Laws of the made-up chain: what is told in its events can have happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest

from hypothesis import given, settings
from hypothesis import strategies as st

from pgassay.chain.seeds import Amounts, happenings
from pgassay.chain.seeds_world import (
    APPROVAL,
    BATCH,
    ITEM_TRANSFER,
    KEYS,
    SINGLE,
    TRANSFER,
    ZERO,
    Log,
    Transaction,
    World,
)

FROZEN, FREED = KEYS["ERC3643Token.TokensFrozen"], KEYS["ERC3643Token.TokensUnfrozen"]
LOCKED = KEYS["ERC3643Token.AddressFrozen"]
REGISTERED, REMOVED = KEYS["IdentityRegistry.IdentityRegistered"], KEYS["IdentityRegistry.IdentityRemoved"]


def happened(seed: int, transfers: int, *, tenants: int = 1) -> Iterator[Transaction]:
    kinds = {TRANSFER: transfers, ITEM_TRANSFER: transfers // 2, SINGLE: transfers // 2, BATCH: transfers // 4}
    return happenings(
        World(seed), set(KEYS.values()), Amounts(transfers=kinds, approvals=transfers // 10), tenants=tenants
    )


def logs(seed: int, transfers: int, *, tenants: int = 1) -> Iterator[Log]:
    return (log for transaction in happened(seed, transfers, tenants=tenants) for log in transaction.logs)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 1500), st.integers(1, 3))
def test_nothing_is_moved_that_is_not_there(seed: int, transfers: int, tenants: int) -> None:
    balance: Counter[tuple[int, ...]] = Counter()
    frozen: Counter[tuple[int, int]] = Counter()
    holder: dict[tuple[int, int], int] = {}
    number: Counter[str] = Counter()
    for kind, contract, told in logs(seed, transfers, tenants=tenants):
        number[kind] += 1
        if kind == ITEM_TRANSFER:
            giver, taker, item = told
            assert holder.get((contract, item), ZERO) == giver
            holder[contract, item] = taker
        elif kind in (FROZEN, FREED):
            frozen[contract, told[0]] += told[1] if kind == FROZEN else -told[1]
        elif kind in (TRANSFER, SINGLE, BATCH):
            giver, taker = told[:2] if kind == TRANSFER else told[1:3]
            moved = [((), told[2])] if kind == TRANSFER else [((told[3],), told[4])]
            if kind == BATCH:
                moved = [((item,), pieces) for item, pieces in zip(told[3], told[4], strict=True)]
            for item, amount in moved:
                for account, part in ((giver, -amount), (taker, amount)):
                    if account != ZERO:
                        balance[(contract, account, *item)] += part
                        assert balance[(contract, account, *item)] >= 0
        if kind in (FROZEN, FREED, TRANSFER):
            account = told[0]
            assert 0 <= frozen[contract, account] <= balance[contract, account]
    assert number[TRANSFER] == transfers
    assert (number[ITEM_TRANSFER], number[SINGLE], number[BATCH]) == (transfers // 2, transfers // 2, transfers // 4)
    assert abs(number[APPROVAL] - transfers // 10) <= 1 + transfers // 50


def test_only_verified_wallets_that_are_not_frozen_send_security_tokens() -> None:
    verified: set[int] = set()
    locked: set[tuple[int, int]] = set()
    tokens = {log[1] for log in logs(3, 3000) if log[0] == KEYS["ERC3643Token.ComplianceAdded"]}
    forced = 0
    for transaction in happened(3, 3000):
        left: set[int] = set()
        for kind, contract, told in transaction.logs:
            if kind == REGISTERED:
                verified.add(told[0])
            elif kind == REMOVED:
                left.add(told[0])
            elif kind == LOCKED:
                (locked.add if told[1] else locked.discard)((contract, told[0]))
            elif kind == TRANSFER and contract in tokens:
                assert told[1] == ZERO or told[1] in verified
                if transaction.sender == told[0]:
                    assert (contract, told[0]) not in locked
                    assert (contract, told[1]) not in locked
                else:
                    forced += 1
        verified -= left
    assert locked
    assert forced > 10


def test_few_accounts_do_most() -> None:
    givers = Counter(told[1] for kind, _, told in logs(1, 20_000) if kind == TRANSFER)
    common = [n for _, n in givers.most_common()]
    assert sum(common[: len(common) // 10]) > sum(common) / 3


def test_claims_are_valid_expired_and_revoked() -> None:
    ends: list[float] = []
    revoked = 0
    for kind, _, told in logs(1, 4000):
        if kind == KEYS["Identity.ClaimAdded"]:
            issued, until = (int.from_bytes(told[5][n : n + 32], "big") for n in (0, 32))
            ends.append((until - issued) / 86_400)
        revoked += kind == KEYS["ClaimIssuer.ClaimRevoked"]
    assert set(ends) == {20, 365}
    assert revoked


def test_the_same_seed_tells_the_same_story() -> None:
    assert all(a == b for a, b in zip_longest(logs(5, 500), logs(5, 500)))
    assert any(a != b for a, b in zip_longest(logs(5, 500), logs(6, 500)))
