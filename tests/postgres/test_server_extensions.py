from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.server import Connection, Server, StatementError
from pgassay.server.extensions import HARMLESS, available, install, trusted


@pytest.fixture(scope="module")
def crypto(server: Server) -> Iterator[Connection]:
    """A session in a database that has both stand-ins."""
    with server.database() as name, server.connect(name) as session:
        if not available(server)["pgcrypto"].stand_in:
            pytest.skip("this server has the real pgcrypto")
        session.run('CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"')
        yield session


@pytest.mark.parametrize(
    "name", ["citext", "pg_trgm", "btree_gin", "btree_gist", "hstore", "ltree", "unaccent", "cube"]
)
def test_trusted_extensions_are_the_owners_own_affair(server: Server, connection: Connection, name: str) -> None:
    assert trusted(server, name)
    connection.run(f"CREATE EXTENSION {name}")


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_harmless_extensions_are_installed_for_the_owner(server: Server, database: str, name: str) -> None:
    if name not in available(server):
        assert install(server, database, name) == "missing"
        return
    assert install(server, database, name) == "installed"
    assert install(server, database, name) == "installed"
    with server.connect(database) as session:
        session.run(f"COMMENT ON EXTENSION {name} IS 'ours'; CREATE EXTENSION IF NOT EXISTS {name}")
        session.run(f"DROP EXTENSION {name}")


@pytest.mark.parametrize("name", ["file_fdw", "dblink", "postgres_fdw", "adminpack", "plpython3u", "xml2", "nonsense"])
def test_others_never(server: Server, database: str, name: str) -> None:
    assert install(server, database, name) == "missing"
    with server.connect(database) as session:
        assert session.value("SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'") == "0"


def test_the_schema_is_where_the_migration_wants_it(server: Server, database: str) -> None:
    with server.connect(database) as session:
        session.run("CREATE SCHEMA tools; CREATE SCHEMA inner_tools")
        assert install(server, database, "pgstattuple", schema="tools") == "installed"
        session.run(f"ALTER DATABASE {database} SET search_path = inner_tools, public")
        assert install(server, database, "pageinspect") == "installed"
        where = "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = $1"
        assert session.value(where, ["pgstattuple"]) == "tools"
        assert session.value(where, ["pageinspect"]) == "inner_tools"
    with pytest.raises(StatementError, match="does not exist"):
        install(server, database, "amcheck", schema="nowhere")


def test_required_extensions_come_along(server: Server, database: str) -> None:
    with pytest.raises(StatementError, match="required extension"):
        install(server, database, "earthdistance", cascade=False)
    assert install(server, database, "earthdistance") == "installed"
    with server.connect(database) as session:
        session.run("DROP EXTENSION earthdistance; DROP EXTENSION cube")


def test_vectors_work(server: Server, database: str) -> None:
    assert install(server, database, "vector") == "installed"
    with server.connect(database) as session:
        session.run("CREATE TABLE t (v vector(3)); INSERT INTO t VALUES ('[1,2,3]')")
        session.run("CREATE INDEX ON t USING hnsw (v vector_l2_ops)")
        assert session.value("SELECT v <-> '[1,2,4]' FROM t") == "1"


def test_uuid_ossp_as_projects_use_it(server: Server, database: str) -> None:
    expected = "stand-in" if available(server)["uuid-ossp"].stand_in else "installed"
    assert install(server, database, "uuid-ossp") == expected
    with server.connect(database) as session:
        session.run("CREATE TABLE t (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), n int)")
        session.run("INSERT INTO t (n) SELECT generate_series(1, 100)")
        assert session.value("SELECT count(DISTINCT id) FROM t") == "100"
        session.run("ALTER TABLE t ALTER id SET DEFAULT public.uuid_generate_v4()")
        assert uuid.UUID(session.value("SELECT uuid_generate_v4()") or "").version == 4


@pytest.mark.parametrize("name", ["pgcrypto", "uuid-ossp"])
def test_a_stand_in_is_an_extension_like_any_other(server: Server, database: str, name: str) -> None:
    with server.connect(database) as session:
        session.run(f'CREATE SCHEMA x; CREATE EXTENSION IF NOT EXISTS "{name}" WITH SCHEMA x')
        session.run(
            f'COMMENT ON EXTENSION "{name}" IS \'as pg_dump writes it\'; ALTER EXTENSION "{name}" SET SCHEMA public'
        )
        session.run(f'DROP EXTENSION "{name}"')


def test_a_server_without_the_control_path_gets_plain_functions(server: Server, database: str) -> None:
    from pgassay.server.extensions import _stand_in

    with server.connect(database) as session:
        session.run("CREATE SCHEMA x")
        for _ in range(2):
            assert _stand_in(server, database, "pgcrypto", "x") == "stand-in"
            assert _stand_in(server, database, "uuid-ossp", None) == "stand-in"
        assert session.value("SELECT x.digest('a', 'md5')") == "\\x" + hashlib.md5(b"a").hexdigest()
        assert session.value("SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'armor'") == "app_owner"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), kind=st.sampled_from(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]))
def test_digests_are_true(crypto: Connection, data: bytes, kind: str) -> None:
    said = crypto.value("SELECT encode(digest(decode($1, 'hex'), $2), 'hex')", [data.hex(), kind])
    assert said == hashlib.new(kind, data).hexdigest()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=100),
    key=st.binary(max_size=200),
    kind=st.sampled_from(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]),
)
def test_hmacs_are_true(crypto: Connection, data: bytes, key: bytes, kind: str) -> None:
    sql = "SELECT encode(hmac(decode($1, 'hex'), decode($2, 'hex'), $3), 'hex')"
    assert crypto.value(sql, [data.hex(), key.hex(), kind]) == hmac.new(key, data, kind).hexdigest()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80))
def test_named_uuids_are_true(crypto: Connection, name: str) -> None:
    assert crypto.value("SELECT uuid_generate_v3(uuid_ns_url(), $1)", [name]) == str(
        uuid.uuid3(uuid.NAMESPACE_URL, name)
    )
    assert crypto.value("SELECT uuid_generate_v5(uuid_ns_dns(), $1)", [name]) == str(
        uuid.uuid5(uuid.NAMESPACE_DNS, name)
    )


def test_timed_uuids_hold_the_time(crypto: Connection) -> None:
    made = uuid.UUID(crypto.value("SELECT uuid_generate_v1()") or "")
    seconds = (made.time - 0x01B21DD213814000) / 1e7
    assert made.version == 1 and made.variant == uuid.RFC_4122
    assert abs(seconds - float(crypto.value("SELECT extract(epoch FROM clock_timestamp())") or 0)) < 5


@pytest.mark.parametrize(("kind", "length"), [("bf", 60), ("md5", 34), ("xdes", 20), ("des", 13)])
def test_passwords_have_the_right_shape_and_compare(crypto: Connection, kind: str, length: int) -> None:
    stored = crypto.value("SELECT crypt('secret', gen_salt($1))", [kind]) or ""
    assert len(stored) == length
    assert crypto.value("SELECT crypt('secret', $1)", [stored]) == stored
    assert crypto.value("SELECT crypt('Secret', $1)", [stored]) != stored


def test_random_bytes(crypto: Connection) -> None:
    assert crypto.run("SELECT length(gen_random_bytes(5)), length(gen_random_bytes(1024))") == [["5", "1024"]]
    assert crypto.value("SELECT count(DISTINCT gen_random_bytes(16)) FROM generate_series(1, 50)") == "50"


@pytest.mark.parametrize("call", ["pgp_sym_encrypt('a', 'b')", "encrypt('a', 'b', 'aes')", "digest('a', 'whirlpool')"])
def test_what_a_stand_in_cannot_do_it_says(crypto: Connection, call: str) -> None:
    with pytest.raises(StatementError, match="stand-in for pgcrypto cannot") as refusal:
        crypto.run(f"SELECT {call}")
    assert refusal.value.sqlstate == "0A000"
