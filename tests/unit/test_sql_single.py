"""One statement, and statements without their values."""

from __future__ import annotations

import pytest

from pgassay.errors import InputError
from pgassay.sql.single import single, without_values


@pytest.mark.parametrize(
    ("text", "kind", "parameters"),
    [
        ("SELECT 1", "select", 0),
        ("  -- first\n SELECT $2, $1 ; ", "select", 2),
        ("INSERT INTO t VALUES ($3)", "insert", 3),
        ("UPDATE t SET a = 1", "update", 0),
        ("WITH x AS (SELECT $1::int) DELETE FROM t USING x", "delete", 1),
        ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "merge", 0),
        ("SELECT 'größer', $1", "select", 1),
    ],
)
def test_one_statement_is_read(text: str, kind: str, parameters: int) -> None:
    found = single(text)
    assert (found.kind, found.parameters) == (kind, parameters)
    assert found.text == text.strip(" ;").removeprefix("-- first\n ") or found.text.endswith("$1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "SELECT 1; SELECT 2",
        "EXPLAIN SELECT 1",
        "SELECT 1 INTO t",
        "CREATE TABLE t ()",
        "BEGIN",
        "SELECT FROM WHERE",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        single(text)


def test_values_and_comments_go() -> None:
    text = (
        "/* ada */ SELECT * FROM t WHERE a = 'ada' AND b IN (4711, 42.5) AND c = x'ada' AND d > date '1999-1-1' --ada"
    )
    plain = without_values(text)
    assert plain is not None
    assert not [word for word in ("ada", "4711", "42.5", "1999") if word in plain]
    assert plain.startswith("SELECT * FROM t WHERE a = $1")


def test_what_cannot_be_read_is_not_kept() -> None:
    assert without_values("SELECT 'ada' FROM WHERE") is None
