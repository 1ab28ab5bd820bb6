"""Revisions that we wrote, run by Alembic itself.

Not CONCURRENTLY: SQLAlchemy's dialect for pg8000 leaves a transaction open when it goes into autocommit.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pgassay.server import OWNER, Connection, Server
from pgassay.sources import open_project
from pgassay.sources.writing import Change, Step, write

_FIRST = """from alembic import op
revision = "a1"
down_revision = None
def upgrade():
    op.execute("CREATE TABLE t (id int PRIMARY KEY, a int, b text)")
def downgrade():
    op.execute("DROP TABLE t")
"""
_TEXT = "it''s 12:30 :a :b::c C:\\\\new \\: % %(x)s {y} \\"
_CHANGE = Change(
    name="tune",
    steps=(
        Step(name="index", forward=("CREATE INDEX t_a ON t (a) WHERE b = 'x:y'",), backward=("DROP INDEX t_a",)),
        Step(
            name="both",
            forward=(f"COMMENT ON TABLE t IS '{_TEXT}'", "CREATE STATISTICS t_s ON a, b FROM t"),
            backward=("DROP STATISTICS t_s", "COMMENT ON TABLE t IS NULL"),
        ),
    ),
)


def alembic(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "alembic", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def state(connection: Connection) -> list[list[str | None]]:
    return connection.run(
        "SELECT (SELECT string_agg(indexdef, ';' ORDER BY indexname) FROM pg_indexes WHERE tablename = 't'),"
        " (SELECT count(*) FROM pg_statistic_ext), obj_description('t'::regclass)"
    )


def test_up_and_down_and_up_again(
    server: Server, database: str, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    alembic("init", "alembic")
    socket = f"{server.sockets}/.s.PGSQL.{server.port}"
    ini = Path("alembic.ini").read_text()
    url = f"postgresql+pg8000://{OWNER}@/{database}?unix_sock={socket}"
    Path("alembic.ini").write_text(ini.replace("driver://user:pass@localhost/dbname", url))
    Path("alembic/versions/a1_first.py").write_text(_FIRST)
    alembic("upgrade", "head")
    before = state(connection)
    write(open_project(".", allow_code=True), _CHANGE, allow_code=True)
    alembic("upgrade", "head")
    ((indexes, statistics, text),) = state(connection)
    assert "t_a ON public.t" in (indexes or "") and statistics == "1"
    assert text == _TEXT.replace("''", "'")
    alembic("downgrade", "a1")
    assert state(connection) == before
    alembic("upgrade", "head")
    assert state(connection) != before
