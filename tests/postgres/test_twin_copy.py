"""Copies of real rows: every foreign key of a sample holds, and nothing is written on production."""

from __future__ import annotations

import gzip
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.model import Name
from pgassay.server import OWNER, Server
from pgassay.workflows.twin import copy_twin

SCHEMA = """
CREATE TYPE level AS ENUM ('low', 'high');
CREATE TABLE country (code char(2) PRIMARY KEY, name text NOT NULL);
CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, country char(2) NOT NULL REFERENCES country,
    inviter bigint REFERENCES account, level level NOT NULL, tags text[],
    twice bigint GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE wallet (account bigint REFERENCES account, number integer, note text, PRIMARY KEY (account, number));
CREATE TABLE event (
    block bigint NOT NULL, log integer NOT NULL, account bigint NOT NULL, number integer NOT NULL, other bigint,
    "Mixed ""Case" text, PRIMARY KEY (block, log), FOREIGN KEY (account, number) REFERENCES wallet,
    FOREIGN KEY (other) REFERENCES account) PARTITION BY RANGE (block);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (500);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (500) TO (9999999);
CREATE TABLE team (id serial PRIMARY KEY, lead bigint, name text);
CREATE TABLE member (id serial PRIMARY KEY, team integer NOT NULL REFERENCES team);
ALTER TABLE team ADD FOREIGN KEY (lead) REFERENCES member;
CREATE MATERIALIZED VIEW busy AS SELECT account, count(*) FROM event GROUP BY account
"""
ROWS = """
INSERT INTO country SELECT chr(97 + i / 26) || chr(97 + i % 26), 'c' || i FROM generate_series(0, 200) i;
INSERT INTO account (country, inviter, level, tags)
SELECT chr(97 + i % 201 / 26) || chr(97 + i % 201 % 26), CASE WHEN i > 1 AND i % 3 = 0 THEN i / 2 END, 'high',
       ARRAY['x', E'tab\\t' || i] FROM generate_series(1, 4000) i;
INSERT INTO wallet SELECT 1 + i % 4000, i / 4000, E'line\\n' || i FROM generate_series(0, 7999) i;
INSERT INTO event SELECT i / 10, i % 10, 1 + i % 4000, i % 2, CASE WHEN i % 5 = 0 THEN 1 + i * 7 % 4000 END, '"' || i
FROM generate_series(0, 19999) i;
INSERT INTO team (name) SELECT 't' || i FROM generate_series(1, 1500) i;
INSERT INTO member (team) SELECT 1 + i % 1500 FROM generate_series(1, 3000) i;
UPDATE team SET lead = 3000 - id
"""


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    with server.database() as name:
        with server.connect(name) as session:
            session.run(SCHEMA + ";" + ROWS)
            session.run("ANALYZE; REFRESH MATERIALIZED VIEW busy")
        yield f"postgresql://{OWNER}@/{name}?host={server.sockets}"


def restored(server: Server, database: str, file: Path) -> None:
    script = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    command = [server.binaries.program("psql"), "-qX", "-v", "ON_ERROR_STOP=1", "--single-transaction"]
    ended = subprocess.run(
        [*command, "-h", str(server.sockets), "-U", OWNER, database], input=script, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_every_foreign_key_of_a_sample_holds(
    server: Server, url: str, database: str, tmp_path: Path, share: float
) -> None:
    file = tmp_path / "sample.sql.gz"
    made = copy_twin(url, file, share=share)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored(server, database, file)  # whose ALTER TABLE … ADD FOREIGN KEY checks all of it
    with server.connect(database) as session:
        for table, most in {"account": 4000, "wallet": 8000, "event": 20000, "team": 1500, "member": 3000}.items():
            number = int(session.value(f"SELECT count(*) FROM {table}") or 0)
            assert number == made.rows[Name("public", table)]
            assert 0.5 * share * most < number < max(4 * share, 0.7) * most
        assert session.value("SELECT count(*) FROM country") == "201"
        assert session.value("SELECT nextval('team_id_seq') > max(id) FROM team") == "t"
        assert session.value("SELECT count(*) > 0 FROM busy") == "t"
        assert session.value("SELECT bool_and(tags[2] LIKE E'tab\\t%' AND twice = id * 2) FROM account") == "t"


def test_a_whole_copy_has_every_row(server: Server, url: str, database: str, tmp_path: Path) -> None:
    made = copy_twin(url, tmp_path / "all.sql")
    assert made.remarks == () and made.rows[Name("public", "event")] == 20000
    restored(server, database, tmp_path / "all.sql")
    sums = "SELECT (SELECT sum(hashtext(e::text)) FROM event e)::text || (SELECT sum(hashtext(a::text)) FROM account a)"
    with server.connect(database) as session, server.connect(url.split("/")[3].partition("?")[0]) as original:
        assert session.value(sums) == original.value(sums)


def test_what_may_not_be_read_is_not_referred_to(server: Server, url: str, database: str, tmp_path: Path) -> None:
    """A role that sees half of the accounts, and no team: what refers to the others goes, or loses the reference."""
    name = url.split("/")[3].partition("?")[0]
    with server.database(name) as other:
        with server.connect(other) as owner:
            owner.run(
                "CREATE ROLE copy_reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO copy_reader;"
                " REVOKE ALL ON team FROM copy_reader;"
                " ALTER TABLE account ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON account USING (id % 2 = 0)"
            )
        made = copy_twin(f"postgresql://copy_reader@/{other}?host={server.sockets}", tmp_path / "half.sql", share=0.2)
    server.drop_roles(["copy_reader"])
    restored(server, database, tmp_path / "half.sql")
    with server.connect(database) as session:
        assert session.value("SELECT count(*) FROM account WHERE id % 2 = 1") == "0"
        assert session.value("SELECT count(*) > 100 FROM wallet") == "t"
    assert any("cannot be read" in remark for remark in made.remarks)
