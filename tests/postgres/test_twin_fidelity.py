"""Made-up rows come close to the original: its distinct values, order, skew, keys, and the planner's estimates."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pgassay.server import OWNER, Connection, Server
from pgassay.twin.export import export
from pgassay.twin.export_file import Export, save
from pgassay.twin.fidelity import Fidelity, fidelity
from pgassay.twin.synthetic import synthetic

ORIGINAL = """
CREATE TABLE token (address varchar(42) PRIMARY KEY, name text NOT NULL, code char(10) NOT NULL UNIQUE);
CREATE TABLE transfer (
    block bigint NOT NULL, log integer NOT NULL, token varchar(42) NOT NULL REFERENCES token, at timestamptz NOT NULL,
    amount numeric(20,2) NOT NULL, share float8, state text, day date NOT NULL, holder varchar(42) NOT NULL,
    PRIMARY KEY (block, log));
CREATE TABLE balance (
    token varchar(42) NOT NULL REFERENCES token, number integer NOT NULL, value bigint NOT NULL,
    PRIMARY KEY (token, number));
SELECT setseed(0.3);
INSERT INTO token SELECT '0x' || md5('t' || i), 'Fund ' || i % 150, 'INV-' || lpad(i::text, 6, '0')
FROM generate_series(1, 1500) i;
INSERT INTO transfer
SELECT 7000 + i / 20, i % 20, '0x' || md5('t' || 1 + floor(1500 * random() ^ 3)),
       timestamptz '2024-01-01' + i * interval '1 min', round((1000 * exp(4 * random()))::numeric, 2), random(),
       CASE WHEN i % 3 = 0 THEN 'sent' WHEN i % 50 = 0 THEN 'new' END,
       date '2024-01-01' + i % 365, '0x' || md5('h' || floor(6000 * random() ^ 2)) FROM generate_series(1, 20000) i;
INSERT INTO balance SELECT '0x' || md5('t' || 1 + floor(1500 * random() ^ 3)), i % 4000, i
FROM generate_series(1, 9000) i ON CONFLICT DO NOTHING
"""
QUERIES = [
    "SELECT * FROM transfer WHERE at > '2024-01-10' AND at < '2024-01-12'",
    "SELECT * FROM transfer WHERE token = '{most}'",
    "SELECT * FROM transfer x JOIN token t ON t.address = x.token WHERE t.address = '{most}' AND x.state = 'sent'",
    "SELECT * FROM balance WHERE token = '{most}'",
    "SELECT * FROM transfer WHERE amount < 5000 AND share > 0.5",
    "SELECT day, count(*) FROM transfer WHERE state IS NULL GROUP BY day",
    "SELECT * FROM transfer WHERE block BETWEEN 7100 AND 7120 ORDER BY block, log LIMIT 10",
    "SELECT * FROM transfer WHERE holder = '0x00'",
]


@dataclass(frozen=True, slots=True)
class Twin:
    export: Export
    database: str
    session: Connection
    queries: list[str]


@pytest.fixture(scope="module")
def twin(server: Server) -> Iterator[Twin]:
    with server.database() as name:
        with server.connect(name) as session:
            for statement in ORIGINAL.split(";\n"):
                session.run(statement)
            session.run("VACUUM (ANALYZE)")
            most = str(session.value("SELECT token FROM transfer GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"))
        known = export(f"postgresql://{OWNER}@/{name}?host={server.sockets}")
    made = synthetic(server, known, most=20_000)
    assert made.remarks == ()
    with server.connect(made.database) as session:
        session.run("VACUUM (ANALYZE)")
        yield Twin(known, made.database, session, [q.replace("{most}", most) for q in QUERIES])
    server.drop(made.database)


@pytest.fixture(scope="module")
def found(server: Server, twin: Twin) -> Fidelity:
    return fidelity(server, twin.export, twin.database, twin.queries)


def test_columns_are_like_their_originals(found: Fidelity) -> None:
    assert len(found.columns) == 15
    assert [(str(c.table), c.column, c) for c in found.columns if c.far] == []


def test_estimates_are_close(found: Fidelity) -> None:
    assert found.skipped == () and len(found.queries) == len(QUERIES)
    assert found.median is not None and found.median < 1.1
    assert [q for q in found.queries if q.error > 2] == []


def test_a_common_key_is_there_with_its_children(twin: Twin) -> None:
    token = twin.queries[1].partition("'")[2].strip("'")
    rows = twin.session.value(f"SELECT count(*) FROM transfer JOIN token ON address = token WHERE token = '{token}'")
    assert 1_000 < int(rows or 0) < 3_000


def test_shapes_are_followed_without_values(server: Server, twin: Twin) -> None:
    plain = tuple(replace(a, most_common_vals=None, histogram_bounds=None) for a in twin.export.attributes)
    made = synthetic(server, replace(twin.export, values=False, attributes=plain), most=20_000)
    with server.connect(made.database) as session:
        session.run("ANALYZE")
    found = fidelity(server, twin.export, made.database)
    server.drop(made.database)
    assert [(c.column, c) for c in found.columns if c.far] == []


def test_the_command_says_so(twin: Twin, tmp_path: Path) -> None:
    save(twin.export, tmp_path / "x.twin")
    (tmp_path / "w.sql").write_text(";\n".join(twin.queries))
    command = [str(Path(sys.executable).with_name("pgassay")), "twin", "check", str(tmp_path / "x.twin")]
    ended = subprocess.run(
        [*command, "--workload", str(tmp_path / "w.sql"), "--rows", "5000"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "of 15 columns like production's; estimates of 8 queries differ 1.0" in ended.stdout
