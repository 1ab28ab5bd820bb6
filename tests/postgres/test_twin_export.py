"""What leaves a database in an export, and what does not."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pgassay.errors import ConnectionProblem, InputError
from pgassay.server import OWNER, SUPERUSER, Connection, Server, installed_binaries, scratch
from pgassay.twin.export import export
from pgassay.twin.export_file import Export, load, pack, save
from pgassay.twin.ghost import ghost

SECRETS = """
CREATE TYPE level AS ENUM ('low', 'high');
CREATE DOMAIN code AS text;
CREATE TABLE person (
    id bigint PRIMARY KEY, name text, code code, salary numeric, born date, seen timestamptz, key uuid, ip inet,
    tags text[], words tsvector, body jsonb, raw bytea, span daterange, spot point, flag boolean, level level,
    letter "char", pair text, twin text);
INSERT INTO person
SELECT 987650000 + i, 'Secretname' || i % 7, 'SecretCode' || i % 9, 4242424 + i % 5, date '1907-03-01' + i % 3,
       timestamptz '1911-11-11 11:11:11+00' + i % 6 * interval '1 day',
       ('dec0de00-0000-4000-8000-0000000000' || 10 + i % 9)::uuid,
       ('203.0.113.' || i % 9)::inet, ARRAY['secrettag' || i % 3], to_tsvector('simple', 'secretword' || i % 3),
       jsonb_build_object('secretkey', 'secretvalue' || i % 4), ('secretbytes' || i % 4)::bytea,
       daterange(date '1907-03-01' + i % 3, date '1908-01-01' + i % 5), point(55.5123, i), i % 2 = 0,
       'high', 's', 'secretpair' || i % 5, 'secrettwin' || i % 5
FROM generate_series(1, 3000) i;
CREATE INDEX ON person (upper(name));
CREATE INDEX ON person (name);
CREATE INDEX ON person (salary);
CREATE STATISTICS both_of (mcv, dependencies, ndistinct) ON pair, twin, lower(name) FROM person;
CREATE INDEX ON person USING gin (tags)
"""
WORDS = (
    "secret 98765 424242 1907 1908 1911 dec0de 203.0.113 55.5123 7365637265742 SECRETNAME hidden-in-a-query"
).split()


@pytest.fixture(scope="module")
def planted(server: Server) -> Iterator[str]:
    settings = {"shared_preload_libraries": "pg_stat_statements", "compute_query_id": "on"}
    with scratch(server.binaries, settings=settings) as other, other.database() as name:
        with other.connect(name, role=SUPERUSER) as admin:
            admin.run("CREATE EXTENSION pg_stat_statements SCHEMA public; CREATE EXTENSION pageinspect SCHEMA public")
        with other.connect(name) as session:
            session.run(SECRETS)
            session.run("VACUUM ANALYZE person")
            for _ in range(3):
                session.run("/* hidden-in-a-query */ SELECT count(*) FROM person WHERE name = 'hidden-in-a-query'")
            session.run("SELECT 'hidden-in-a-query' AS x, id FROM person WHERE id IN (987651111, 987651112) -- secret")
        yield f"postgresql://{SUPERUSER}@/{name}?host={other.sockets}"


def test_without_values_no_value_is_in_the_file(planted: str, tmp_path: Path) -> None:
    file = tmp_path / "person.twin"
    save(export(planted, values=False), file)
    raw = gzip.decompress(file.read_bytes()).decode()
    kept = raw.replace("both_of", "")
    assert [word for word in WORDS if word.lower() in kept.lower()] == []
    assert "Secretname1" in gzip.decompress(pack(export(planted))).decode()


def test_without_values_the_shapes_remain(planted: str) -> None:
    full, bare = export(planted), export(planted, values=False)
    shape = ("null_frac", "avg_width", "n_distinct", "correlation", "most_common_freqs")
    seen = [[getattr(a, name) for name in shape] for a in bare.attributes]
    assert seen == [[getattr(a, name) for name in shape] for a in full.attributes]
    assert [e.dependencies for e in bare.extended] == [e.dependencies for e in full.extended]
    assert {call.calls for call in bare.workload if "person" in call.query} >= {3}


def test_a_ghost_without_values_keeps_distinct_counts(server: Server, planted: str) -> None:
    with ghost(server, export(planted, values=False)) as twin:
        assert twin.unmade == ()
        found = twin.explain("SELECT name, count(*) FROM person WHERE flag GROUP BY name")["Plan"]
        assert found["Plan Rows"] == 7
        # All seven values are common ones, so another is as rare as can be; its constant is in no statistics.
        assert twin.explain("SELECT * FROM person WHERE id = 987650001")["Plan"]["Plan Rows"] == 1
    server.drop(twin.database)


def test_one_file_is_the_same_twice_and_survives_the_disk(planted: str, tmp_path: Path) -> None:
    first = export(planted)
    save(first, tmp_path / "a.twin")
    assert load(tmp_path / "a.twin") == first
    assert pack(first) == pack(load(tmp_path / "a.twin"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.twin"]
    assert (tmp_path / "a.twin").stat().st_mode & 0o077 == 0


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, planted: str) -> None:
    whole = pack(export(planted, values=False))
    for name, data in {"cut": whole[:-200], "text": b"hello", "json": gzip.compress(b'{"a": 1}')}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError):
            load(tmp_path / name)
    with pytest.raises(InputError):
        load(tmp_path / "missing")


def test_impossible_sizes_are_refused(planted: str, tmp_path: Path) -> None:
    made = export(planted, values=False)
    for wrong in ({"blocks": -1}, {"blocks": 2**40}, {"height": 99}, {"tuples": -5.0}, {"gin": (0, 0, -1, 0, 0)}):
        save(replace(made, relations=(replace(made.relations[0], **wrong),)), tmp_path / "x")
        with pytest.raises(InputError, match="impossible"):
            load(tmp_path / "x")


@pytest.mark.parametrize("values", ["{a}", "{a,b,c,d,e,f,g,h,i,j}", "{", "no array", "{{a,b},{c,d}}"])
def test_a_tampered_file_does_not_break_the_server(server: Server, planted: str, values: str) -> None:
    """More frequencies than values, or fewer, or no values at all: those statistics are left out."""
    made = export(planted)
    attributes = tuple(replace(a, most_common_vals=values) if a.name == "name" else a for a in made.attributes)
    for binaries in {server.major: server.binaries, **{b.major: b for b in installed_binaries()[-1:]}}.values():
        with scratch(binaries) as other, ghost(other, replace(made, attributes=attributes)) as twin:
            assert twin.explain("SELECT * FROM person WHERE name = 'x' AND pair = 'y'")["Plan"]["Plan Rows"] >= 1
            uneven = "array_length(most_common_vals, 1) <> cardinality(most_common_freqs)"
            assert twin.admin.value(f"SELECT count(*) FROM pg_stats WHERE {uneven}") == "0"
            assert int(twin.admin.value("SELECT count(*) FROM pg_stats WHERE tablename = 'person'") or 0) > 10


def test_a_strangers_schema_runs_without_rights(server: Server, planted: str) -> None:
    evil = (
        "CREATE FUNCTION public.evil(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS"
        " $$BEGIN IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN"
        " EXECUTE 'CREATE ROLE taken SUPERUSER'; END IF; RETURN true; END$$;\n"
        "CREATE DOMAIN public.trap AS text CHECK (public.evil(VALUE));\n"
        "CREATE SCHEMA pgassay_ghost; CREATE TABLE public.person (name public.trap PRIMARY KEY, pair public.trap);\n"
        "COPY public.person FROM PROGRAM 'id'; ALTER SYSTEM SET work_mem = '1GB'; CREATE ROLE taken_too SUPERUSER;\n"
    )
    made = replace(export(planted), schema=evil)
    for binaries in {server.major: server.binaries, **{b.major: b for b in installed_binaries()[-1:]}}.values():
        with scratch(binaries) as other, ghost(other, made) as twin:
            assert len(twin.unmade) >= 3
            twin.explain("SELECT * FROM person WHERE name = 'x'")
            assert other.admin.run("SELECT FROM pg_roles WHERE rolname LIKE 'taken%'") == []


def test_an_unknown_format_is_named(planted: str, tmp_path: Path) -> None:
    save(replace(export(planted), format="pgassay-twin/99"), tmp_path / "new")
    with pytest.raises(InputError, match="pgassay-twin/99"):
        load(tmp_path / "new")


def test_a_role_that_may_read_nothing_gets_what_everybody_sees(server: Server, connection: Connection) -> None:
    connection.run("CREATE TABLE open (id integer PRIMARY KEY, v text); CREATE TABLE closed (id integer PRIMARY KEY)")
    connection.run("INSERT INTO open SELECT i, 'v' || i % 3 FROM generate_series(1, 500) i; ANALYZE open")
    connection.run("CREATE ROLE poor LOGIN; GRANT SELECT (id) ON open TO poor")
    try:
        server.admin.run(f"GRANT CONNECT ON DATABASE {connection.database} TO poor")
        with pytest.raises(ConnectionProblem):
            export(f"postgresql://nobody_of_this_name@/{connection.database}?host={server.sockets}")
        made = export(f"postgresql://poor@/{connection.database}?host={server.sockets}")
        assert "closed" not in made.schema and any("2 tables" in words for words in made.left_out)
        connection.run("GRANT SELECT ON open TO poor")
        made = export(f"postgresql://poor@/{connection.database}?host={server.sockets}")
        assert {(a.relation, a.name) for a in made.attributes} == {("open", "id"), ("open", "v")}
        assert 'CREATE TABLE "public"."open"' in made.schema and "closed" not in made.schema
    finally:
        server.drop_roles(["poor"])


def test_row_security_keeps_statistics_and_ends_back(server: Server, connection: Connection) -> None:
    connection.run("CREATE TABLE tenant (id integer PRIMARY KEY, v text)")
    connection.run("INSERT INTO tenant SELECT i, 'v' || i FROM generate_series(1, 500) i; ANALYZE tenant")
    connection.run(
        "ALTER TABLE tenant ENABLE ROW LEVEL SECURITY; CREATE ROLE poor LOGIN; GRANT SELECT ON tenant TO poor"
    )
    try:
        server.admin.run(f"GRANT CONNECT ON DATABASE {connection.database} TO poor")
        made = export(f"postgresql://poor@/{connection.database}?host={server.sockets}")
        assert made.attributes == () and made.ends == ()
        assert len(export(f"postgresql://{OWNER}@/{connection.database}?host={server.sockets}").ends) == 1
    finally:
        server.drop_roles(["poor"])


def test_an_empty_database_has_a_twin(server: Server, database: str) -> None:
    made = export(f"postgresql://{OWNER}@/{database}?host={server.sockets}")
    with ghost(server, made) as twin:
        assert twin.explain("SELECT 1")["Plan"]["Node Type"] == "Result"
    server.drop(twin.database)


def test_over_the_network_and_with_a_password() -> None:
    """pg_dump goes through our tunnel; the password is on no command line."""
    settings = {"listen_addresses": "127.0.0.1", "port": str(next(iter(free_ports())))}
    with scratch(settings=settings, network=True) as other, other.database() as name:
        with other.connect(name) as session:
            session.run(
                "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 9); ANALYZE t"
            )
        made: Export = export(f"postgresql://{OWNER}:hush-hush@127.0.0.1:{other.port}/{name}?sslmode=prefer")
        assert 'CREATE TABLE "public"."t"' in made.schema and "hush" not in made.schema
        assert [end.high for end in made.ends] == ["9"]


def free_ports() -> Iterator[int]:
    import socket

    for _ in itertools.count():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            yield int(probe.getsockname()[1])
