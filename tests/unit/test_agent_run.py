"""The agent's parts: the budget's law, secrets, and the fence."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgassay.agent.budget import LEAST, Ledger, OverBudget
from pgassay.agent.fence import Fence, Refused
from pgassay.agent.redaction import MASK, redact, redacted, secrets_of

requests = st.lists(
    st.tuples(st.integers(0, 5_000), st.integers(1, 9_000), st.floats(0, 1), st.booleans()), max_size=12
)


@given(st.integers(0, 20_000), requests, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_the_budget_is_never_exceeded(total: int, asked: list[tuple[int, int, float, bool]], workers: int) -> None:
    """By several tasks at a time, of which some requests fail: what is spent and promised stays within the total."""
    ledger = Ledger(total)
    refused = 0

    async def worker(mine: list[tuple[int, int, float, bool]]) -> None:
        nonlocal refused
        for size, answer, share, fails in mine:
            try:
                async with ledger.hold(size, answer) as held:
                    assert ledger.spent + ledger.reserved <= total
                    assert held.input == size and held.output <= answer
                    await asyncio.sleep(0)
                    if fails:
                        continue
                    held.used = int((held.input + held.output) * share)
            except OverBudget:
                assert total - ledger.spent < size + LEAST or ledger.reserved == 0
                refused += 1

    async def everybody() -> None:
        await asyncio.wait_for(asyncio.gather(*(worker(asked[n::workers]) for n in range(workers))), 5)

    asyncio.run(everybody())
    assert 0 <= ledger.spent <= total and ledger.reserved == 0
    if all(size + LEAST > total for size, *_ in asked):
        assert refused == len(asked)


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:s3cretpass@db.example/x",
        "https://h/x?api_key=s3cretpass&y=1",
        "Authorization: Bearer s3cretpass1234",
        "PGPASSWORD=s3cretpass",
        '{"password": "s3cretpass"}',
        "sk-ant-s3cretpass-0123456789",
        "-----BEGIN RSA PRIVATE KEY-----\ns3cretpass\n-----END RSA PRIVATE KEY-----",
        "private_key = 0x" + "5ec3e7" * 10 + "abcd",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    clean = redact(text)
    assert MASK in clean and "s3cretpass" not in clean and "5ec3e7" not in clean
    assert redact(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE token (id bigint);",
        "topic 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
        "SELECT token_id FROM transfer WHERE token_id = 5",
        "https://www.postgresql.org/docs/18/sql-grant.html",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_secrets_of_the_environment_and_in_json() -> None:
    known = secrets_of([("ANTHROPIC_API_KEY", "value-of-key"), ("PATH", "/usr/bin/somewhere"), ("X_TOKEN", "short")])
    assert known == ("value-of-key",)
    found = redacted({"a": ['{"token": "abcd1234", "b": "value-of-key"}'], "password": "hunter22", "n": 3}, known)
    assert found == {"a": ['{"token": "[secret]", "b": "[secret]"}'], "password": MASK, "n": 3}


@pytest.mark.parametrize(
    ("globs", "path", "allowed"),
    [
        (("drizzle/**",), "drizzle/meta/_journal.json", True),
        (("drizzle/*",), "drizzle/meta/_journal.json", False),
        (("drizzle/*.sql",), "drizzle/0001_a.sql", True),
        (("**",), "a/b/c.txt", True),
        (("**",), "a/.hidden/c.txt", False),
        (("**/*.md",), "README.md", True),
        (("**/*.md",), "docs/a/b.md", True),
        ((".github/**",), ".github/workflows/x.yml", True),
        ((), "a", False),
        (("a?c",), "abc", True),
    ],
)
def test_globs(globs: tuple[str, ...], path: str, allowed: bool) -> None:
    assert Fence(Path(), globs).allowed(path) is allowed


def test_the_fence_knows_what_was(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    fence = Fence(tmp_path, ("**",))
    empty = fence.digest()
    fence.write("a.txt", "one\nthree\nfour\n")
    fence.write("b/c.txt", "new\n")
    assert list(fence.changed) == ["a.txt", "b/c.txt"] and fence.digest() != empty
    assert (fence.lines("a.txt"), fence.lines("b/c.txt")) == ((2, 1), (1, 0))
    fence.write("a.txt", "one\ntwo\n")
    assert list(fence.changed) == ["b/c.txt"]
    for path in ("pgassay-agent.toml", ".git/config", "b/id_rsa", "AGENTS.md"):
        with pytest.raises(Refused):
            fence.write(path, "x")
    with pytest.raises(Refused, match="outside"):
        fence.read("../x")
