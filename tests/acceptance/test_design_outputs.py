"""What `pgassay design` writes for ORMs makes the schema that its migrations make: for a whole ERC-3643 suite, and for
a subgraph of more than a hundred types."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.catalog import Catalog, compare, read
from pgassay.server import Server
from pgassay.sources import open_project
from tests.acceptance import commands
from tests.npm import COMPILE, DRIZZLE, npm, run

sqlalchemy = pytest.importorskip("sqlalchemy")

ASSET = """id: Bytes! type: String! asAccount: Account! holders: [Balance!]! @derivedFrom(field: "asset") name: String!
 symbol: String! decimals: Int! totalSupply: BigDecimal! totalSupplyExact: BigInt! admins: [Account!]!"""
EVENT = "id: Bytes! eventName: String! timestamp: BigInt! emitter: Asset! sender: Account!"
FIELDS = (
    "from: Account! to: Account! value: BigDecimal! valueExact: BigInt!",
    "role: Bytes! account: Account!",
    "user: Account! order: Int",
    "oldAmount: BigInt newAmount: BigInt reason: String tags: [String!]!",
)


def subgraph() -> str:
    """A schema with interfaces, enums, links both ways, time series and many events, some with endless names."""
    types = [
        f"interface Asset {{ {ASSET} }}",
        f"interface Event {{ {EVENT} }}",
        "enum Status { ACTIVE PAUSED Frozen }",
        "type Account @entity { id: Bytes! isContract: Boolean! asAsset: Asset balances: [Balance!]!"
        ' @derivedFrom(field: "account") status: Status! order: Int user: String }',
        "type Balance @entity { id: Bytes! asset: Asset! account: Account! valueExact: BigInt! blocked: Boolean! }",
        "type Data @entity(timeseries: true) { id: Int8! timestamp: Timestamp! token: Account! price: BigDecimal! }",
        'type Stats @aggregation(intervals: ["hour", "day"], source: "Data") { id: Int8! timestamp: Timestamp!'
        ' token: Account! sum: BigDecimal! @aggregate(fn: "sum", arg: "price") n: Int8! @aggregate(fn: "count") }',
    ]
    types += [f"type {n} implements Asset @entity {{ {ASSET} underlying: Asset }}" for n in ("Bond", "Fund", "Equity")]
    for number in range(100):
        name = f"{'TheNameThatGoesOn' * (4 if number % 10 == 0 else 1)}Event{number}"
        types.append(
            f"type {name} implements Event @entity(immutable: true) {{ {EVENT} {FIELDS[number % len(FIELDS)]} }}"
        )
    return "\n".join(types)


@pytest.fixture(scope="module", params=["suite", "subgraph"])
def designed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command wrote."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "schema.graphql").write_text(subgraph(), encoding="utf-8")
    what: tuple[str, ...] = ("--preset", "erc3643", "--preset", "erc721", "--tenancy", "tenant")
    what = what if request.param == "suite" else ("--subgraph", str(folder / "schema.graphql"))
    done = commands.run("design", *what, "--out", folder / "db", "-q")
    assert done.returncode == 0, done.stderr
    return folder / "db"


@pytest.fixture(scope="module")
def wanted(server: Server, designed: Path) -> Iterator[Catalog]:
    """The catalog that the migrations make."""
    with server.database() as name, server.connect(name) as session:
        for migration in open_project(str(designed / "migrations"), kind="dbmate").migrations:
            for statement in migration.statements:
                session.run(statement.text)
        yield read(session)


def test_the_sqlalchemy_models_give_the_same_catalog(server: Server, designed: Path, wanted: Catalog) -> None:
    name = f"models_{designed.parent.name}"
    spec = importlib.util.spec_from_file_location(name, designed / "sqlalchemy" / "models.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    with server.database() as database:
        engine = sqlalchemy.create_engine(
            f"postgresql+pg8000://app_owner@/{database}",
            connect_args={"unix_sock": f"{server.sockets}/.s.PGSQL.{server.port}"},
            poolclass=sqlalchemy.pool.NullPool,
        )
        with engine.begin() as session:
            module.Base.metadata.create_all(session)
        engine.dispose()
        with server.connect(database) as connection:
            assert list(map(str, compare(wanted, read(connection)))) == []


def test_drizzle_kit_exports_the_same_catalog(server: Server, designed: Path, wanted: Catalog) -> None:
    folder = designed / "drizzle"
    (folder / "node_modules").symlink_to(npm(*DRIZZLE) / "node_modules")
    run(folder, "typescript/bin/tsc", *COMPILE, *sorted(p.name for p in folder.glob("*.ts")))
    made = run(folder, "drizzle-kit/bin.cjs", "export", "--config", "drizzle.config.ts")
    with server.database() as name, server.connect(name) as session:
        for script in ((folder / "before.sql").read_text(), made, (folder / "after.sql").read_text()):
            session.run(re.sub(r"(?m)^\[.*\]$", "", script))
        assert list(map(str, compare(wanted, read(session)))) == []
