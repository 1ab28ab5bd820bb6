"""The parts that need a server, beside a physical limit or PostgreSQL's own tool in the same run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.timing import Ratio, command, compare
from pgassay.catalog import read
from pgassay.server import SUPERUSER, Server, scratch
from pgassay.twin import fill

_TABLES = 60


def run() -> list[Ratio]:
    """Start, catalog, rows and whole reviews."""
    with scratch() as server:
        found = [_start(server), _catalog(server), _rows(server)]
    return [*found, *_reviews()]


def _start(server: Server) -> Ratio:
    def start() -> None:
        with scratch():
            pass

    template = next((server.data.parent.parent.parent / "templates").glob("18-*"))
    with tempfile.TemporaryDirectory() as place:
        copy = ["/bin/sh", "-c", f"cp -R {template} {place}/copy && rm -rf {place}/copy"]
        return compare("scratch server, start and stop", start, "copying its template", command(copy))


def _catalog(server: Server) -> Ratio:
    name = server.create()
    with server.connect(name) as session:
        for n in range(_TABLES):
            reference = f"REFERENCES t{n - 1}" if n else ""
            session.run(
                f"CREATE TABLE t{n} (id bigint PRIMARY KEY, a text NOT NULL, b numeric(78,0) DEFAULT 0, c timestamptz,"
                f" parent bigint {reference}, CHECK (b >= 0));"
                f" CREATE INDEX ON t{n} (a, c); CREATE INDEX ON t{n} (parent)"
            )
        dump = [server.binaries.program("pg_dump"), "-s", "-h", str(server.sockets), "-U", SUPERUSER, name]
        return compare(f"catalog of {_TABLES} tables", lambda: read(session), "pg_dump --schema-only", command(dump))


def _rows(server: Server) -> Ratio:
    table = "CREATE TABLE {} (id bigint PRIMARY KEY, a integer NOT NULL, b text NOT NULL, c timestamptz NOT NULL)"
    name = server.create()
    with server.connect(name) as session:
        session.run(table.format("ours"))
        catalog = read(session)
        session.run(table.format("theirs"))

        def ours() -> None:
            session.run("TRUNCATE ours")
            fill(session, catalog, rows=1_000_000)

        def theirs() -> None:
            session.run("TRUNCATE theirs")
            session.run(
                "INSERT INTO theirs SELECT i, i % 1000, 'text ' || i, now() - i * interval '1 s'"
                " FROM generate_series(1, 1000000) AS i; ANALYZE theirs"
            )

        return compare("1,000,000 synthetic rows", ours, "INSERT … SELECT by hand", theirs, times=3)


def _reviews() -> list[Ratio]:
    """A history of eight files over twenty tables, and an index and a constraint on a table of a million rows."""
    pgassay = str(Path(sys.executable).parent / "pgassay")
    with tempfile.TemporaryDirectory() as place:
        small, large = Path(place) / "small", Path(place) / "large"
        small.mkdir()
        large.mkdir()
        for n in range(8):
            new = range(3 if n < 6 else 1)
            tables = [f"CREATE TABLE t{n}_{k} (id bigint PRIMARY KEY, a text, b bigint NOT NULL)" for k in new]
            changes = [f"ALTER TABLE t{n - 1}_0 ADD COLUMN c text", f"CREATE INDEX i{n} ON t{n - 1}_0 (b)"] if n else []
            (small / f"{n}_change.sql").write_text(";\n".join([*tables, *changes]) + ";\n")
        (large / "1_table.sql").write_text(
            "CREATE TABLE t (id bigint PRIMARY KEY, a text NOT NULL, b bigint NOT NULL);\n"
        )
        (large / "2_change.sql").write_text("CREATE INDEX i ON t (b);\nALTER TABLE t ADD CHECK (b IS NOT NULL);\n")
        bare = command([sys.executable, "-c", "from pgassay.server import scratch\nwith scratch() as s: s.create()"])
        command([pgassay, "--version"])()
        return [
            compare("review, 8 files, 20 tables, 1,000 rows each",
                    command([pgassay, "review", str(small), "--history"]), "starting a scratch server", bare),
            compare("review, 1,000,000 rows in a table",
                    command([pgassay, "review", str(large), "--history", "--rows", "1000000"]),
                    "starting a scratch server", bare, times=1),
        ]  # fmt: skip
