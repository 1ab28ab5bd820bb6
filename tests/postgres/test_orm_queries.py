"""Generated reads on a design's own tables: every page is right, in both directions, and cursors cannot be bent."""

from __future__ import annotations

import base64
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pgassay.catalog import Catalog, read
from pgassay.chain.design import design
from pgassay.chain.model import AccessPattern, Design, Settings
from pgassay.chain.presets import presets
from pgassay.chain.queries import Query, queries, sql
from pgassay.report.orm.drizzle import constants, drizzle
from pgassay.report.orm.queries_python import queries_python
from pgassay.report.orm.queries_sql import queries_sql
from pgassay.report.orm.queries_typescript import queries_typescript
from pgassay.server import Connection, Server
from tests.npm import COMPILE, npm, run
from tests.npm import DRIZZLE as PACKAGES

sqlalchemy = pytest.importorskip("sqlalchemy")

PATTERNS = (
    AccessPattern(name="big", sql="SELECT count(*) FROM balances WHERE balance > $1::numeric"),
    AccessPattern(name="odd", sql="SELECT '$1 `${x}` \\' AS said, $2::text || $1 AS told -- $3\n;"),
    AccessPattern(name="all blocks", sql="SELECT max(number) FROM blocks"),
)
ROWS = """
INSERT INTO blocks (chain_id, number, hash, parent_hash, time)
SELECT 1, i, sha256(i::text::bytea), sha256((i - 1)::text::bytea), timestamptz '2026-01-01Z' + i * interval '12 seconds'
FROM generate_series(1, 60) i;
INSERT INTO transfer (chain_id, block_number, log_index, block_time, transaction_hash, contract_address,
  from_address, to_address, value)
SELECT 1, i, l, timestamptz '2026-01-01Z' + i * interval '12 seconds', sha256((i * 100 + l)::text::bytea),
  '0x' || lpad(to_hex(1 + l % 2), 40, '0'), '0x' || lpad(to_hex((i * l) % 7), 40, '0'),
  '0x' || lpad(to_hex((i + l) % 5), 40, '0'), i * 1000 + l
FROM generate_series(1, 60) i, generate_series(0, 4) l;
INSERT INTO transactions (chain_id, block_number, transaction_index, hash, sender)
SELECT 1, i, n, sha256((i * 100 + n)::text::bytea), '0x' || lpad(to_hex(2 + n), 40, '0')
FROM generate_series(1, 60) i, generate_series(0, 2) n;
INSERT INTO tokens (contract_address, chain_id, symbol, name)
SELECT '0x' || lpad(to_hex(i), 40, '0'), 1, 'S' || i % 2, 'T' FROM generate_series(1, 9) i;
"""
VALUES: dict[str, Any] = {
    "chain_id": 1,
    "contract_address": "0x" + "1".rjust(40, "0"),
    "from_address": "0x" + "2".rjust(40, "0"),
    "to_address": "0x" + "3".rjust(40, "0"),
    "account": "0x" + "3".rjust(40, "0"),
    "symbol": "S1",
}


@pytest.fixture(scope="module")
def made() -> Design:
    return design(presets(("erc20",)), None, Settings(patterns=PATTERNS))


@pytest.fixture(scope="module")
def filled(server: Server, made: Design) -> Iterator[str]:
    with server.database() as name:
        with server.connect(name) as session:
            for part in made.parts:
                for statement in part.forward:
                    session.run(statement)
            session.run(ROWS)
        yield name


@pytest.fixture(scope="module")
def catalog(server: Server, filled: str) -> Catalog:
    with server.connect(filled) as session:
        return read(session)


@pytest.fixture(scope="module")
def reads(made: Design, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The generated package, imported as an application imports it."""
    folder = tmp_path_factory.mktemp("app") / "reads"
    folder.mkdir()
    for name, text in queries_python(queries(made, catalog), PATTERNS).items():
        (folder / name).write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(
        "reads", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reads"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def session(server: Server, filled: str) -> Iterator[Any]:
    engine = sqlalchemy.create_engine(
        f"postgresql+pg8000://app_owner@/{filled}",
        connect_args={"unix_sock": f"{server.sockets}/.s.PGSQL.{server.port}"},
        poolclass=sqlalchemy.pool.NullPool,
    )
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def given(function: Any) -> dict[str, Any]:
    names = inspect.signature(function).parameters
    return {n: VALUES.get(n, VALUES["account"]) for n in names if n not in ("connection", "cursor", "limit", "key")}


def whole(session: Any, query: Query) -> list[tuple[Any, ...]]:
    statement = re.sub(r"LIMIT :limit", "", sql(query)).replace("::", r"\:\:")
    return [
        tuple(r)
        for r in session.execute(
            sqlalchemy.text(statement), {g.name: VALUES.get(g.name, VALUES["account"]) for g in query.parameters}
        )
    ]


PAGES = [listing.name for listing in design(presets(("erc20",)), None, Settings()).listings]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("key", [None, b"secret"])
def test_pages_forward_and_back_are_the_whole(
    name: str, key: bytes | None, reads: ModuleType, session: Any, made: Design, catalog: Catalog
) -> None:
    function = getattr(reads, name)
    expected = whole(session, next(q for q in queries(made, catalog) if q.name == name))
    seen: list[Any] = []
    page = function(session, **given(function), limit=7, key=key)
    assert page.previous is None
    while True:
        seen += page.rows
        if page.next is None:
            break
        page = function(session, **given(function), limit=7, key=key, cursor=page.next)
    assert [tuple(row) for row in seen] == expected
    back = list(page.rows)
    while page.previous is not None:
        page = function(session, **given(function), limit=7, key=key, cursor=page.previous)
        back = [*page.rows, *back]
    assert [tuple(row) for row in back] == expected


def test_some_listing_has_many_pages(session: Any, made: Design, catalog: Catalog) -> None:
    assert max(len(whole(session, q)) for q in queries(made, catalog) if q.order) == 300


def test_a_cursor_that_was_changed_or_belongs_elsewhere_is_refused(reads: ModuleType, session: Any) -> None:
    page = reads.transfer_newest(session, chain_id=1, limit=2, key=b"k")
    raw = base64.urlsafe_b64decode(page.next + "==")
    bent = base64.urlsafe_b64encode(raw[:-4] + bytes([raw[-4] ^ 1]) + raw[-3:]).decode().rstrip("=")
    other: list[Callable[[], Any]] = [
        lambda: reads.transfer_newest(session, chain_id=1, cursor=bent, key=b"k"),
        lambda: reads.transfer_newest(session, chain_id=2, cursor=page.next, key=b"k"),
        lambda: reads.transfer_newest(session, chain_id=1, cursor=page.next, key=b"other"),
        lambda: reads.transfer_newest(session, chain_id=1, cursor=page.next),
        lambda: reads.blocks_newest(session, chain_id=1, cursor=page.next, key=b"k"),
        lambda: reads.transfer_newest(session, chain_id=1, cursor="né pas"),
        lambda: reads.transfer_newest(session, chain_id=1, cursor=""),
    ]
    for call in other:
        with pytest.raises(reads.CursorError, match="Ask for the first page"):
            call()


def test_one_row_by_its_key(reads: ModuleType, session: Any) -> None:
    row = reads.tokens_get_by_chain_id_and_contract_address(
        session, chain_id=1, contract_address=VALUES["contract_address"]
    )
    assert row.symbol == "S1"
    assert reads.tokens_get(session, id=row.id) == row
    assert reads.blocks_get(session, chain_id=1, number=1000) is None


def test_access_patterns_are_functions_too(reads: ModuleType, session: Any) -> None:
    assert reads.big(session, p1=0)[0][0] > 0
    assert reads.odd(session, p1="x", p2="y") == [("$1 `${x}` \\", "yx")]


def test_none_needs_offset_or_a_sort(server: Server, filled: str, made: Design, catalog: Catalog) -> None:
    with server.connect(filled) as connection:
        for query in queries(made, catalog):
            for way in ("first", "after", "before") if query.order else ("first",):
                statement = sql(query, way)
                assert " OFFSET " not in statement and "count(" not in statement
                assert not re.search(r"^\W*(Incremental )?Sort +\(cost", plan(connection, statement), re.M), statement


def plan(connection: Connection, statement: str) -> str:
    """The plan with parameters unknown, where nothing but an index is allowed to give an order."""
    number = {name: i for i, name in enumerate(dict.fromkeys(re.findall(r"(?<!:):(\w+)", statement)), 1)}
    text = re.sub(r"(?<!:):(\w+)", lambda m: f"${number[m[1]]}", statement)
    for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
        connection.run(f"SET {setting} = off")
    return "\n".join(str(row[0]) for row in connection.run(f"EXPLAIN (GENERIC_PLAN) {text}"))


def test_named_sql_has_every_statement_once(made: Design, catalog: Catalog) -> None:
    names = re.findall(r"^-- name: (\w+)$", queries_sql(queries(made, catalog), PATTERNS), re.M)
    assert len(names) == len(set(names))
    assert {"transfer_newest_first", "transfer_newest_after", "transfer_newest_before", "blocks_get", "big"} <= set(
        names
    )


SCRIPT = """
import { drizzle } from "drizzle-orm/node-postgres";
import { Pool } from "pg";
import { CursorError } from "./pages";
import { allBlocks, big, odd, transferByAccount, tokensGet, tokenHolders } from "./queries";

async function main() {
  const [host, port, database] = process.argv.slice(2);
  const pool = new Pool({ host, port: Number(port), database, user: "app_owner" });
  const db = drizzle(pool);
  const input = { chainId: 1, account: "0x" + "3".padStart(40, "0"), limit: 7, key: "secret" };
  const seen: string[] = [];
  let page = await transferByAccount(db, input);
  const first = page.next;
  while (true) {
    seen.push(...page.rows.map((r) => `${r.blockNumber}/${r.logIndex}/${r.value}`));
    if (page.next === null) break;
    page = await transferByAccount(db, { ...input, cursor: page.next });
  }
  let back = page.rows;
  while (page.previous !== null) {
    page = await transferByAccount(db, { ...input, cursor: page.previous });
    back = [...page.rows, ...back];
  }
  let refused = false;
  try {
    await transferByAccount(db, { ...input, chainId: 2, cursor: first });
  } catch (error) {
    refused = error instanceof CursorError;
  }
  const holders = await tokenHolders(db, { chainId: 1, contractAddress: "0x" + "1".padStart(40, "0"), limit: 3 });
  const none = await tokensGet(db, { id: "00000000-0000-0000-0000-000000000000" });
  const patterns = [await big(db, { p1: 0 }), await odd(db, { p1: "x", p2: "y" }), await allBlocks(db)];
  const same = back.map((r) => `${r.blockNumber}/${r.logIndex}/${r.value}`).join() === seen.join();
  const shown = { seen, same, refused, holders: holders.rows.length, none: none === undefined, first, patterns };
  console.log(JSON.stringify(shown));
  await pool.end();
}
main();
"""


def test_typescript_reads_the_same_pages(
    server: Server, filled: str, made: Design, catalog: Catalog, reads: ModuleType, session: Any, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(npm(*PACKAGES, "pg@8.23.1", "@types/pg@8.23.1") / "node_modules")
    files = {**dict(drizzle(catalog).files), **queries_typescript(queries(made, catalog), constants(catalog), PATTERNS)}
    for name, text in {**files, "script.ts": SCRIPT}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run(tmp_path, "typescript/bin/tsc", *COMPILE, *sorted(n for n in files if n.endswith(".ts")))
    found = json.loads(run(tmp_path, "tsx/dist/cli.mjs", "script.ts", str(server.sockets), str(server.port), filled))
    account = {"chain_id": 1, "account": VALUES["account"]}
    rows = reads.transfer_by_account(session, **account, limit=1000).rows
    assert found["seen"] == [f"{r.block_number}/{r.log_index}/{r.value}" for r in rows]
    assert found["same"] and found["refused"] and found["none"] and found["holders"] == 3
    number = str(reads.big(session, p1=0)[0][0])
    said = {"said": "$1 `${x}` \\", "told": "yx"}
    assert found["patterns"] == [[{"count": number}], [said], [{"max": "60"}]]
    # A cursor that TypeScript made is one that Python reads.
    second = reads.transfer_by_account(session, **account, limit=7, key=b"secret", cursor=found["first"]).rows
    assert second == rows[7:14]
