"""The project's own tool agrees with `migrate up`, and the other way round: the real drizzle-kit and Alembic."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.catalog import compare, read
from pgassay.server import OWNER, Server
from tests.acceptance import commands
from tests.migrating import drizzle, look, migrate, write
from tests.npm import DRIZZLE, npm, run

FIRST = {
    "0000_base": "CREATE TABLE a (id int PRIMARY KEY);--> statement-breakpoint\nINSERT INTO a VALUES (1);",
    "0001_more": "ALTER TABLE a ADD COLUMN x text;",
}
THEN = FIRST | {"0002_index": "CREATE INDEX a_x ON a (x);"}


@pytest.fixture
def databases(server: Server) -> Iterator[tuple[str, str]]:
    with server.database() as ours, server.database() as theirs:
        yield ours, theirs


def url(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}@/{database}?host={server.sockets}"


def program(folder: Path, address: str, *words: str) -> str:
    """The whole command; the shorter ``migrate`` of these tests leaves the rehearsal out."""
    done = commands.run("migrate", "up", folder, "--database", address, "--yes", *words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def nothing_to_do(folder: Path, address: str) -> bool:
    return look(folder, address).pending == ()


def same_schemas(server: Server, ours: str, theirs: str) -> None:
    """The same tables but for our own record, the tool's own table as the tool makes it."""
    with server.connect(ours) as one, server.connect(theirs) as other:
        changes = compare(read(other), read(one))
    assert [str(c) for c in changes if "pgassay" not in str(c)] == []


# Drizzle


def kit(folder: Path, server: Server, database: str) -> None:
    config = {
        "dialect": "postgresql",
        "out": "./drizzle",
        "dbCredentials": {"host": str(server.sockets), "user": OWNER, "database": database, "ssl": False},
    }
    write(folder, {"drizzle.config.json": json.dumps(config)})
    run(folder, "drizzle-kit/bin.cjs", "migrate", "--config=drizzle.config.json")


def journal(server: Server, database: str) -> list[list[str]]:
    with server.connect(database) as session:
        return session.run("SELECT hash, created_at FROM drizzle.__drizzle_migrations ORDER BY id")


def test_drizzle_kit_and_we_take_turns(tmp_path: Path, server: Server, databases: tuple[str, str]) -> None:
    (tmp_path / "node_modules").symlink_to(npm(*DRIZZLE, "pg@8.23.1", "@types/pg@8.23.1") / "node_modules")
    ours, theirs = databases
    drizzle(tmp_path, FIRST)
    migrate(tmp_path, url(server, ours))
    kit(tmp_path, server, theirs)
    assert journal(server, ours) == journal(server, theirs)
    same_schemas(server, ours, theirs)
    kit(tmp_path, server, ours)  # finds nothing to do: 0000_base would fail
    assert len(journal(server, ours)) == 2
    assert nothing_to_do(tmp_path, url(server, theirs))

    drizzle(tmp_path, THEN)
    kit(tmp_path, server, ours)
    migrate(tmp_path, url(server, theirs))
    assert journal(server, ours) == journal(server, theirs)
    assert "Nothing to do" in program(tmp_path, url(server, ours))
    kit(tmp_path, server, theirs)
    same_schemas(server, ours, theirs)


# Alembic


REVISION = """from alembic import op
import sqlalchemy as sa
revision = {name!r}
down_revision = {down!r}
depends_on = None
branch_labels = None

def upgrade():
    {up}

def downgrade():
    {back}
"""


def revision(folder: Path, name: str, down: object, up: str, back: str) -> None:
    write(folder, {f"alembic/versions/{name}_x.py": REVISION.format(name=name, down=down, up=up, back=back)})


def alembic(folder: Path, server: Server, database: str, *words: str) -> str:
    address = f"postgresql+pg8000://{OWNER}@/{database}?unix_sock={server.sockets}/.s.PGSQL.{server.port}"
    ini = folder / "alembic.ini"
    text = [line for line in ini.read_text().splitlines() if not line.startswith("sqlalchemy.url")]
    ini.write_text("\n".join(text).replace("[alembic]", f"[alembic]\nsqlalchemy.url = {address}", 1) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def heads(server: Server, database: str) -> list[str]:
    with server.connect(database) as session:
        return [row[0] for row in session.run("SELECT version_num FROM alembic_version ORDER BY 1")]


def test_alembic_and_we_take_turns(tmp_path: Path, server: Server, databases: tuple[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "alembic", "init", "alembic"], cwd=tmp_path, check=True, capture_output=True)
    ours, theirs = databases
    revision(tmp_path, "r1", None, "op.execute('CREATE TABLE a (id int)')", "op.drop_table('a')")
    revision(tmp_path, "r2", "r1", "op.add_column('a', sa.Column('x', sa.Text()))", "op.drop_column('a', 'x')")
    revision(tmp_path, "r3", "r1", "op.execute('CREATE TABLE c (id int)')", "op.drop_table('c')")
    program(tmp_path, url(server, ours), "--allow-code")
    alembic(tmp_path, server, theirs, "upgrade", "heads")
    assert heads(server, ours) == heads(server, theirs) == ["r2", "r3"]
    same_schemas(server, ours, theirs)
    assert "Running upgrade" not in alembic(tmp_path, server, ours, "upgrade", "heads")
    assert nothing_to_do(tmp_path, url(server, theirs))

    revision(tmp_path, "r4", ("r2", "r3"), "op.create_index('a_x', 'a', ['x'])", "op.drop_index('a_x')")
    migrate(tmp_path, url(server, ours))
    alembic(tmp_path, server, theirs, "upgrade", "heads")
    assert heads(server, ours) == heads(server, theirs) == ["r4"]
    same_schemas(server, ours, theirs)

    migrate(tmp_path, url(server, ours), "down")
    alembic(tmp_path, server, theirs, "downgrade", "r2")
    assert heads(server, ours) == heads(server, theirs) == ["r2", "r3"]
    assert "r4" in alembic(tmp_path, server, ours, "upgrade", "heads")
    assert nothing_to_do(tmp_path, url(server, ours))

    # The pg8000 that Alembic has here cannot run this one; we can.
    concurrently = "\n    ".join(
        (
            "with op.get_context().autocommit_block():",
            "    op.create_index('a_id', 'a', ['id'], postgresql_concurrently=True)",
        )
    )
    revision(tmp_path, "r5", "r4", concurrently, "pass")
    migrate(tmp_path, url(server, ours))
    assert heads(server, ours) == ["r5"]
    assert "Running upgrade" not in alembic(tmp_path, server, ours, "upgrade", "heads")
