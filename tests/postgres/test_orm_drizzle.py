"""A Drizzle schema written from a catalog: TypeScript accepts it, and drizzle-kit makes the same catalog of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.catalog import compare, read
from pgassay.report.orm.drizzle import drizzle
from pgassay.server import Connection, Server
from tests.npm import COMPILE, DRIZZLE, npm, run

SCHEMA = Path(__file__).with_name("test_orm_schema.sql").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside the packages' node_modules."""
    (tmp_path / "node_modules").symlink_to(npm(*DRIZZLE) / "node_modules")
    return tmp_path


def test_drizzle_kit_makes_the_same_catalog(server: Server, connection: Connection, folder: Path) -> None:
    connection.run(SCHEMA)
    before = read(connection)
    for name, text in drizzle(before).files:
        (folder / name).write_text(text, encoding="utf-8")
    run(folder, "typescript/bin/tsc", *COMPILE, *sorted(p.name for p in folder.glob("*.ts")))
    made = run(folder, "drizzle-kit/bin.cjs", "export", "--config", "drizzle.config.ts")
    with server.database() as name, server.connect(name) as other:
        other.run((folder / "before.sql").read_text())
        other.run(made.replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS "))
        other.run((folder / "after.sql").read_text())
        after = read(other)
    assert [str(change) for change in compare(before, after)] == []
