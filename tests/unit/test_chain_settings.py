"""pgassay.toml: what it says, and what is wrong with it, by line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.chain.model import Retention, Settings
from pgassay.chain.settings import parse_settings, read_settings
from pgassay.errors import InputError, SyntaxProblem

WHOLE = """
# what we want
[design]
schema = "registry"
layout = "compact"
tenancy = "tenant"
chains = [1, 137]
partition = "block"
partition_size = 500_000
partitions_ahead = 5
presets = ["ERC-20", "erc3643"]
abi = [
  "artifacts",
  "@openzeppelin/contracts",
]
subgraph = "schema.graphql"

[design.retention]
transfer = 365

[design.roles]
writer = "indexer"

[[design.pattern]]
name = "latest transfers"
sql = '''
SELECT * FROM transfer
WHERE "from_address" = $1 ORDER BY block_number DESC LIMIT 50
'''
calls = 10_000

[[design.pattern]]
name = "supply"
sql = "SELECT total_supply FROM tokens WHERE id = $1"
"""


def test_everything_is_read() -> None:
    read = parse_settings(WHOLE, "pgassay.toml")
    assert (read.schema, read.layout, read.tenancy, read.chains) == ("registry", "compact", "tenant", (1, 137))
    assert (read.partition_size, read.partitions_ahead, read.retention) == (
        500_000,
        5,
        (Retention("transfer", 365),),
    )
    assert (read.presets, read.abi) == (("ERC-20", "erc3643"), ("artifacts", "@openzeppelin/contracts"))
    assert (read.owner_role, read.writer_role, read.subgraph) == ("registry_owner", "indexer", "schema.graphql")
    assert [(p.name, p.calls, p.line) for p in read.patterns] == [("latest transfers", 10_000, 26), ("supply", 1, 34)]


@pytest.mark.parametrize("text", ["", "[design]", "# nothing"])
def test_an_empty_file_is_the_default(text: str) -> None:
    assert parse_settings(text, "p") == Settings(path="p")


def test_keys_may_be_dotted() -> None:
    assert parse_settings('design.layout = "bytea"\ndesign.retention.transfer = 3', "p").retention == (
        Retention("transfer", 3),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[design]\nlayuot = 'plain'", r"p:2: no setting 'layuot' in \[design\]\nDid you mean layout\?"),
        ("[desing]", r"p:1: no setting 'desing'\nDid you mean design\?"),
        ("\nlayout = 'plain'", "p:2: no setting 'layout'"),
        ("design = 1", r"p:1: design is a table: write \[design\]"),
        ("[design]\n\nlayout = 'plane'", r"p:3: layout is one of plain, bytea, compact, not 'plane'\nDid"),
        ("[design]\nlayout = 1", "p:2: layout is one of"),
        ("[design]\nlayout = ['plain']", "p:2: layout is one of"),
        ("design.layout = 'x'", "p:1: layout is one of"),
        ("[design]\nchains = [1, true]", "p:2: chains is a whole number from 1"),
        ("[design]\nchains = 1", r"p:2: chains is a list: write chains = \["),
        ("[design]\nchains = [1,\n1]", "p:2: a chain is there twice"),
        ("[design]\nchains = [4503599627370476]", r"p:2: chain 4503599627370476 does not .*\n.*wide_chain_id = true"),
        ("[design]\npartition_size = 0", "p:2: partition_size is a whole number from 1"),
        ("[design]\nwide_chain_id = 1", "p:2: wide_chain_id is true or false, not 1"),
        ("[design]\nschema = ''", "p:2: schema is a text that is not empty"),
        ("[design]\nschema = 'pg_mine'", "p:2: 'pg_mine': PostgreSQL keeps"),
        ("[design]\nschema = '" + "é" * 32 + "'", "p:2: .* is longer than 63 bytes"),
        ('[design]\nschema = "a\\u0000"', "p:2: schema holds a NUL"),
        ("[design]\nabi = [1]", "p:2: abi is a text"),
        ("[design]\npresets = ['erc2O']", r"p:2: no preset 'erc2O'\nDid you mean erc20\?"),
        ("[design.roles]\nowner = 'a'\nwriter = 'a'", "p:2: owner, writer and reader are three different roles"),
        ("[design.roles]\nauthor = 'a'", r"p:2: no setting 'author' in \[design.roles\]"),
        ("[design]\nretention = 3", r"p:2: retention is a table of days kept"),
        ("[design.retention]\na = 1\nb = -1", "p:3: b is a whole number from 1"),
        ("[design.pattern]\nname = 'x'", r"p:1: access patterns are tables: write \[\[design.pattern\]\]"),
        ("[[design.pattern]]\nname = 'x'", "p:1: access pattern 1 has no sql"),
        ("[[design.pattern]]\nname='a'\nsql='SELECT 1'\n[[design.pattern]]\nsql='SELECT 1'", "p:4: .* 2 has no name"),
        (2 * "[[design.pattern]]\nname='a'\nsql='SELECT 1'\n", "p:5: 'a' is the name of two access patterns"),
        ("[[design.pattern]]\nname='a'\nsql='SELECT 1'\n[[design.pattern]]\nsgl='SELECT 1'", "p:5: no setting 'sgl'"),
        ("[[design.pattern]]\nname='a'\nsql='SELECT 1; SELECT 2'", "p:3: a has 2 statements"),
        ("[[design.pattern]]\nname='a'\nsql='-- nothing'", "p:3: a has 0 statements"),
        ("[[design.pattern]]\nname='a'\nsql='SELECT 1'\ncalls = 0", "p:4: calls is a number above 0"),
        ("[[design.pattern]]\nname='a'\nsql='SELECT 1'\ncalls = nan", "p:4: calls is a number above 0"),
        ("[design\n", r"p:1: broken TOML: .*column 8"),
        ("[design]\nlayout = 'plain'\nlayout = 'plain'", "p:3: broken TOML: Cannot overwrite"),
        ("a = '''", "p:1: broken TOML: Expected"),
        ("a = " + "[" * 100_000, "p.* broken TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_settings(text, "p")


@pytest.mark.parametrize(
    ("sql", "line"), [("'SELEC 1'", 2), ("'''\nSELECT a\nname = FROM b'''\n", 4), ('"""SELECT\n\nFROM WHERE"""', 4)]
)
def test_sql_that_is_none(sql: str, line: int) -> None:
    with pytest.raises(SyntaxProblem, match=f"p:{line}: "):
        parse_settings(f"[[design.pattern]]\nsql = {sql}\nname = 'a'", "p")


def test_sql_that_looks_like_settings_is_none() -> None:
    text = "[[design.pattern]]\nsql = '''\nSELECT *\nname = 1\n[design]\n'''\nname = 1"
    with pytest.raises(InputError, match="p:7: name is a text"):
        parse_settings(text, "p")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "pgassay.toml"
    path.write_text("\ufeff" + WHOLE, encoding="utf-8")
    assert read_settings(path).path == str(path)
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_settings(path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_settings(tmp_path / "none.toml")


@given(
    st.integers(0, len(WHOLE)), st.integers(0, 30), st.sampled_from(["", "=", "[", "]]", '"', "1", "true", "\n", "x"])
)
def test_no_file_ends_in_a_traceback(at: int, cut: int, instead: str) -> None:
    with contextlib.suppress(InputError):
        parse_settings(WHOLE[:at] + instead + WHOLE[at + cut :], "p")
