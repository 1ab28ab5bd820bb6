"""A ghost plans; it does not run anything."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from pgassay.errors import InputError
from pgassay.server import OWNER, Server
from pgassay.twin.export import export
from pgassay.twin.export_file import Export
from pgassay.twin.ghost import Ghost, ghost
from pgassay.twin.ghost_guard import NotPlanned

HUGE = 40_000_000  # pages: 305 GiB


@pytest.fixture(scope="module")
def exported(server: Server) -> Iterator[Export]:
    with server.database() as name, server.connect(name) as session:
        session.run(
            "CREATE TABLE big (id bigint PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL);"
            " CREATE INDEX big_at ON big (at); CREATE TABLE parted (id bigint, day date) PARTITION BY RANGE (day);"
            " CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
            " CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');"
            " CREATE FUNCTION peek() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS"
            " 'BEGIN RETURN (SELECT count(*) FROM big); END';"
            " CREATE FUNCTION poke() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS"
            " 'BEGIN RETURN poke_in_earnest(); END';"
            " CREATE FUNCTION poke_in_earnest() RETURNS bigint LANGUAGE plpgsql VOLATILE AS"
            " 'BEGIN INSERT INTO big VALUES (0, now(), ''new''); RETURN 1; END';"
            " INSERT INTO big SELECT i, timestamptz '2024-01-01' + i * interval '1 s', 'k' || i % 9"
            " FROM generate_series(1, 20000) i;"
            " INSERT INTO parted SELECT i, date '2024-01-01' + i % 700 FROM generate_series(1, 5000) i"
        )
        session.run("ANALYZE")
        yield export(f"postgresql://{OWNER}@/{name}?host={server.sockets}")


@pytest.fixture
def twin(server: Server, exported: Export) -> Iterator[Ghost]:
    with ghost(server, exported) as made:
        yield made
    server.drop(made.database)


@pytest.mark.parametrize(
    "text",
    [
        "EXPLAIN ANALYZE SELECT * FROM big",
        "SELECT 1; SELECT * FROM big",
        "SELECT * INTO copy FROM big",
        "CREATE TABLE copy AS SELECT * FROM big",
        "VACUUM big",
        "ANALYZE",
        "COPY big TO STDOUT",
        "DO 'BEGIN PERFORM count(*) FROM big; END'",
        "(ANALYZE) SELECT * FROM big",
        "EXECUTE something",
        "DECLARE c CURSOR FOR SELECT * FROM big",
        "",
        "-- nothing",
        "no such thing",
    ],
)
def test_only_one_plannable_statement_is_taken(twin: Ghost, text: str) -> None:
    with pytest.raises(InputError):
        twin.explain(text)
    assert twin.session.transaction == "idle"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM big WHERE id = 1",
        "WITH gone AS (DELETE FROM big RETURNING *) SELECT * FROM gone",
        "INSERT INTO big VALUES (1, now(), 'x') ON CONFLICT (id) DO NOTHING",
        "UPDATE big SET kind = 'y'",
        "DELETE FROM big",
        "MERGE INTO big b USING parted p ON b.id = p.id WHEN MATCHED THEN DELETE",
        "VALUES (1), (2)",
        "TABLE big",
        "(SELECT 1)",
        "SELECT 'a;b' -- and a comment",
        "SELECT * FROM big FOR UPDATE",
    ],
)
def test_plans_change_nothing(twin: Ghost, text: str) -> None:
    assert "Plan" in twin.explain(text)
    assert twin.session.transaction == "idle"


def test_what_planning_evaluates_cannot_write(twin: Ghost) -> None:
    with pytest.raises(NotPlanned, match="read-only"):
        twin.explain("SELECT poke()")


def test_what_planning_evaluates_has_a_time_limit(
    server: Server, exported: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgassay.twin.ghost_guard.LIMIT", 300)
    with ghost(server, enlarged(exported, "big")) as twin:
        started = time.monotonic()
        with pytest.raises(NotPlanned, match="timeout"):
            twin.explain("SELECT peek()")
        assert time.monotonic() - started < 30  # without a limit: hours
    server.drop(twin.database)


def test_a_huge_table_takes_no_disk(server: Server, exported: Export) -> None:
    started = time.monotonic()
    with ghost(server, enlarged(exported, "big")) as twin:
        assert time.monotonic() - started < 30  # rows would take hours
        oid = twin.admin.value("SELECT oid FROM pg_database WHERE datname = current_database()")
        used = subprocess.run(
            ["du", "-sk", server.data / "base" / str(oid)], capture_output=True, text=True, check=True
        )
        assert int(used.stdout.split()[0]) < 20_000
        assert twin.session.value("SELECT pg_relation_size('big')") == str(HUGE * 8192)
        plan = twin.explain("SELECT * FROM big WHERE kind = 'k1'")["Plan"]
        while "Plans" in plan:
            plan = plan["Plans"][0]
        assert plan["Node Type"] == "Seq Scan" and plan["Total Cost"] > HUGE
    server.drop(twin.database)


def enlarged(exported: Export, table: str) -> Export:
    from dataclasses import replace

    return replace(
        exported,
        relations=tuple(
            replace(r, blocks=HUGE, pages=HUGE, tuples=HUGE * 60.0) if r.name == table else r
            for r in exported.relations
        ),
    )


def test_parameters_make_custom_and_generic_plans(twin: Ghost) -> None:
    query = "SELECT * FROM big WHERE at < $1"
    few = twin.explain(query, ["2024-01-01 00:01:00+00"])["Plan"]["Plan Rows"]
    all_of_them = twin.explain(query, ["2030-01-01"])["Plan"]["Plan Rows"]
    generic = twin.explain(query)["Plan"]["Plan Rows"]
    assert few < 200 < generic < all_of_them == 20000
    assert twin.explain("SELECT * FROM big WHERE kind = $1", ["it's; DROP TABLE big --"])["Plan"]["Plan Rows"] == 1
    assert twin.explain("SELECT * FROM big WHERE id = $1 OR id = $2", [None, 4])["Plan"]["Plan Rows"] == 1
    for given in ([], ["1"]):
        with pytest.raises(InputError):
            twin.explain("SELECT $1::int + $2::int", given)


def index_of(twin: Ghost, query: str, without: tuple[str, ...] = ()) -> str | None:
    plan = twin.explain(query, without=without)["Plan"]
    while "Index Name" not in plan and "Plans" in plan:
        plan = plan["Plans"][0]
    name: str | None = plan.get("Index Name")
    return name


def test_candidates_come_and_go(twin: Ghost) -> None:
    query = "SELECT * FROM big WHERE kind = 'k3' AND at BETWEEN '2024-01-01 01:00+00' AND '2024-01-01 03:00+00'"
    before = twin.explain(query)
    name = twin.create_index("CREATE INDEX CONCURRENTLY candidate ON big (kind, at)")
    assert name == "public.candidate"
    assert index_of(twin, query) == "candidate"
    assert index_of(twin, query, (name,)) != "candidate"
    assert index_of(twin, query) == "candidate"
    assert twin.explain(query, without=[name]) == before
    twin.drop_index(name)
    assert twin.explain(query) == before


def test_a_candidate_of_a_partitioned_table_goes_with_its_parts(twin: Ghost) -> None:
    query = "SELECT * FROM parted WHERE id = 5"
    name = twin.create_index("CREATE INDEX ON parted (id)")
    assert index_of(twin, query) == "parted_1_id_idx"
    assert index_of(twin, query, (name,)) is None


def test_unknown_indexes_and_other_statements_are_refused(twin: Ghost) -> None:
    with pytest.raises(InputError):
        twin.explain("SELECT 1", without=["no_such_index"])
    with pytest.raises(InputError):
        twin.create_index("DROP TABLE big")
    with pytest.raises(InputError):
        twin.create_index("CREATE INDEX x ON big (id); DROP TABLE big")
    for ddl in ("CREATE INDEX x ON big (missing)", "CREATE INDEX x ON missing (id)", "CREATE INDEX big_at ON big (id)"):
        with pytest.raises(InputError):
            twin.create_index(ddl)
    assert twin.session.value("SELECT pg_relation_size('big') > 0") == "t"


def test_a_candidate_costs_what_a_real_index_costs(server: Server) -> None:
    """The same index on the ghost and on the original: equal size and plan."""
    ddl = "CREATE INDEX real_one ON big (kind, at)"
    with server.database() as name, server.connect(name) as session:
        session.run(
            "CREATE TABLE big (id bigint PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL);"
            " INSERT INTO big SELECT i, timestamptz '2024-01-01' + i * interval '1 s', 'k' || i % 9"
            f" FROM generate_series(1, 20000) i; {ddl}"
        )
        session.run("VACUUM ANALYZE big")
        pages = int(session.value("SELECT pg_relation_size('real_one') / 8192") or 0)
        made = export(f"postgresql://{OWNER}@/{name}?host={server.sockets}")
        without = ghost(server, made)
        with without as original:
            original.drop_index("public.real_one")
            original.create_index(ddl)
            modelled = int(original.session.value("SELECT pg_relation_size('real_one') / 8192") or 0)
            assert abs(modelled - pages) <= 0.05 * pages
            original.drop_index("public.real_one")
            original.create_index(ddl, pages=pages)
            query = "SELECT * FROM big WHERE kind = 'k3' AND at > '2024-01-01 05:30:00+00'"
            wanted = session.json(f"EXPLAIN (FORMAT JSON, VERBOSE) {query}")[0]
            assert original.explain(query) == wanted
        server.drop(without.database)
