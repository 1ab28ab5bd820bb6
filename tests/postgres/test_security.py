"""A stranger's SQL, run as the owner of a scratch database, reaches nothing but that database."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.errors import ServerUnavailable
from pgassay.server import OWNER, SUPERUSER, Connection, Server, StatementError, find_binaries, scratch
from pgassay.server.extensions import available, install

LIBRARY = "$libdir/dblink"
# Every line is a way out of the database that PostgreSQL knows, and the SQLSTATE of its refusal.
REFUSED = [
    # programs and files
    ("COPY t TO PROGRAM 'id'", "42501"),
    ("COPY t FROM PROGRAM 'id'", "42501"),
    ("COPY (SELECT 1) TO PROGRAM 'touch /tmp/x'", "42501"),
    ("COPY t TO '/tmp/x'", "42501"),
    ("COPY t FROM '/etc/passwd'", "42501"),
    ("SELECT pg_read_file('/etc/passwd')", "42501"),
    ("SELECT pg_read_file('postgresql.conf', 0, 10)", "42501"),
    ("SELECT pg_read_binary_file('/etc/passwd')", "42501"),
    ("SELECT pg_ls_dir('/')", "42501"),
    ("SELECT pg_stat_file('/etc/passwd')", "42501"),
    ("SELECT lo_import('/etc/passwd')", "42501"),
    ("SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/x')", "42501"),
    ("SELECT pg_hba_file_rules()", "42501"),
    ("SELECT pg_show_all_file_settings()", "42501"),
    # code of other languages
    ("CREATE EXTENSION plpython3u", "42501 0A000 58P01"),
    ("CREATE EXTENSION plperlu", "42501 0A000 58P01"),
    ("CREATE LANGUAGE plpython3u", "42501 0A000 58P01"),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'system'", "42501"),
    (f"CREATE FUNCTION f(text) RETURNS text LANGUAGE c AS '{LIBRARY}', 'dblink_connect'", "42501"),
    ("CREATE FUNCTION f(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all'", "42501"),
    ("CREATE TYPE raw; CREATE FUNCTION raw_in(cstring) RETURNS raw LANGUAGE internal AS 'textin'", "42501"),
    ("DO LANGUAGE plpython3u $$import os$$", "42704"),
    ("CREATE LANGUAGE evil HANDLER plpgsql_call_handler", "42501"),
    ("LOAD 'dblink'", "42501 58P01"),
    ("LOAD '/tmp/x.so'", "42501"),
    ("LOAD '$libdir/dblink'", "42501 58P01"),
    # extensions that read files or open connections
    ("CREATE EXTENSION file_fdw", "42501"),
    ("CREATE EXTENSION dblink", "42501"),
    ("CREATE EXTENSION postgres_fdw", "42501"),
    ("CREATE EXTENSION adminpack", "42501 0A000 58P01"),
    ("CREATE EXTENSION pageinspect", "42501"),
    ("CREATE FOREIGN DATA WRAPPER w HANDLER evil", "42501"),
    ("CREATE SERVER s FOREIGN DATA WRAPPER file_fdw", "42704"),
    # settings
    ("ALTER SYSTEM SET archive_command = 'id'", "42501"),
    ("SET session_preload_libraries = 'x'", "42501"),
    ("SET shared_preload_libraries = 'x'", "55P02"),
    ("SET dynamic_library_path = '/tmp'", "42501"),
    ("SET log_directory = '/tmp'", "55P02 42501"),
    ("SET archive_command = 'id'", "55P02 42501"),
    ("SET restore_command = 'id'", "55P02"),
    ("SET ssl_passphrase_command = 'id'", "55P02"),
    ("SET log_statement = 'all'", "42501"),
    ("SET lc_messages = '../../x'", "42501 22023"),
    ("SET allow_system_table_mods = on", "42501"),
    ("SET session_replication_role = replica", "42501"),
    ("SET zero_damaged_pages = on", "42501"),
    ("SET temp_file_limit = -1", "42501"),
    ("SELECT set_config('session_preload_libraries', 'x', false)", "42501"),
    ("ALTER DATABASE postgres SET search_path = public", "42501"),
    (f"ALTER ROLE {SUPERUSER} SET search_path = public", "42501"),
    ("ALTER ROLE ALL SET search_path = public", "42501"),
    (f"ALTER ROLE {OWNER} SET session_preload_libraries = 'x'", "42501"),
    ("SELECT pg_reload_conf()", "42501"),
    # becoming somebody else
    ("CREATE ROLE boss SUPERUSER", "42501"),
    ("CREATE ROLE boss REPLICATION", "42501"),
    ("CREATE ROLE boss BYPASSRLS", "42501"),
    ("CREATE ROLE boss IN ROLE pg_execute_server_program", "42501"),
    (f"CREATE ROLE boss IN ROLE {SUPERUSER}", "42501"),
    ("CREATE ROLE boss CREATEDB", "42501"),
    (f"ALTER ROLE {OWNER} SUPERUSER", "42501"),
    (f"ALTER ROLE {OWNER} CREATEDB", "42501"),
    (f"ALTER ROLE {SUPERUSER} PASSWORD 'x'", "42501"),
    (f"ALTER ROLE {SUPERUSER} RENAME TO x", "42501"),
    (f"SET ROLE {SUPERUSER}", "42501"),
    ("SET ROLE pg_execute_server_program", "42501"),
    (f"SET SESSION AUTHORIZATION {SUPERUSER}", "42501"),
    (f"GRANT {SUPERUSER} TO {OWNER}", "42501"),
    (f"GRANT pg_execute_server_program TO {OWNER}", "42501"),
    (f"GRANT pg_read_server_files TO {OWNER}", "42501"),
    (f"GRANT pg_write_server_files TO {OWNER}", "42501"),
    ("GRANT pg_monitor TO PUBLIC", "42501 42704 0LP01"),
    ("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC", "42501"),
    ("UPDATE pg_authid SET rolsuper = true", "42501"),
    ("SELECT rolpassword FROM pg_authid", "42501"),
    ("UPDATE pg_proc SET prolang = 12", "42501"),
    ("INSERT INTO pg_language VALUES (1)", "42501"),
    (f"ALTER TABLE t OWNER TO {SUPERUSER}", "42501"),
    (f"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO {SUPERUSER}", "42501"),
    (f"CREATE SCHEMA s AUTHORIZATION {SUPERUSER}", "42501"),
    (f"REASSIGN OWNED BY {SUPERUSER} TO {OWNER}", "42501"),
    # hiding in PostgreSQL's own schema, or waiting there for a superuser
    ("CREATE FUNCTION pg_catalog.lower(t) RETURNS text LANGUAGE sql AS 'SELECT 1'", "42501"),
    ("CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT 1'", "42501"),
    ("CREATE TABLE pg_catalog.evil (n int)", "42501"),
    ("CREATE VIEW pg_catalog.evil AS SELECT 1", "42501"),
    ("CREATE SCHEMA pg_evil", "42939"),
    ("CREATE OPERATOR pg_catalog.= (LEFTARG = t, RIGHTARG = t, FUNCTION = record_eq)", "42501"),
    ("CREATE CAST (text AS integer) WITH INOUT AS IMPLICIT", "42501"),
    ("ALTER FUNCTION pg_catalog.now() SECURITY DEFINER", "42501"),
    ("ALTER VIEW pg_catalog.pg_roles OWNER TO app_owner", "42501"),
    ("CREATE TRIGGER x BEFORE INSERT ON pg_class EXECUTE FUNCTION suppress_redundant_updates_trigger()", "42501"),
    (
        "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        " CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION e()",
        "42501",
    ),
    # the server, other databases and the network
    ("CREATE DATABASE mine", "42501"),
    ("DROP DATABASE postgres", "42501"),
    ("CREATE TABLESPACE x LOCATION '/tmp'", "42501"),
    ("CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p", "42501"),
    ("SELECT pg_create_physical_replication_slot('x')", "42501"),
    ("SELECT pg_promote()", "42501"),
    ("CHECKPOINT", "42501"),
    ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pgassay'", "42501"),
    ("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'pgassay'", "42501"),
    ("SELECT pg_log_backend_memory_contexts(pid) FROM pg_stat_activity WHERE usename = 'pgassay'", "42501"),
    ("SELECT * FROM dblink('', 'SELECT 1') AS x(n int)", "42883"),
    ("SELECT lo_unlink(1); SELECT pg_switch_wal()", "42501 42704"),
    ("SELECT pg_rotate_logfile()", "42501"),
    ("SELECT pg_import_system_collations('public')", "42501"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "states"), REFUSED, ids=lambda v: str(v)[:60])
def test_refused(connection: Connection, sql: str, states: str) -> None:
    refuse(connection, sql, states)


@pytest.mark.parametrize(("sql", "states"), REFUSED, ids=lambda v: str(v)[:60])
def test_refused_by_an_older_major(older: Connection, sql: str, states: str) -> None:
    with older.rolled_back():
        refuse(older, sql, states + " 42883 42704 42501 25001")  # it lacks some of the functions and roles


def refuse(session: Connection, sql: str, states: str) -> None:
    session.run("CREATE TABLE t (line text)")
    with pytest.raises(StatementError) as refusal:
        session.run(sql)
    assert refusal.value.sqlstate in states.split(), refusal.value


@pytest.fixture(scope="module")
def older() -> Iterator[Connection]:
    try:
        binaries = find_binaries(15)
    except ServerUnavailable:
        pytest.skip("PostgreSQL 15 is not installed")
    with scratch(binaries) as server, server.database() as name, server.connect(name) as session:
        yield session


def test_a_role_of_ones_own_is_no_ladder(server: Server, connection: Connection) -> None:
    connection.run("CREATE ROLE ladder; GRANT ladder TO app_owner; SET ROLE ladder; RESET ROLE")
    try:
        for role in ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", SUPERUSER):
            for grant in (f"GRANT {role} TO ladder", f"GRANT {role} TO ladder WITH ADMIN OPTION"):
                with pytest.raises(StatementError, match="permission denied"):
                    connection.run(grant)
        for change in ("SUPERUSER", "REPLICATION", "BYPASSRLS", "CREATEDB"):
            with pytest.raises(StatementError, match="permission denied"):
                connection.run(f"ALTER ROLE ladder {change}")
    finally:
        server.drop_roles({"ladder"})
    assert "ladder" not in server.roles()


@pytest.mark.parametrize("scope", ["DATABASE {}", f"ROLE {OWNER} IN DATABASE {{}}"])
def test_libraries_named_for_later_sessions_are_not_loaded(server: Server, database: str, scope: str) -> None:
    with server.connect(database) as session:
        session.run(f"ALTER {scope.format(database)} SET local_preload_libraries = '/tmp/x.so'")
    with pytest.raises(StatementError, match="is not allowed"):
        server.connect(database).close()


PLANTED = """
CREATE TABLE public.marker (who text);
GRANT ALL ON public.marker TO PUBLIC;
CREATE FUNCTION public.mark() RETURNS text LANGUAGE plpgsql VOLATILE AS
    $$BEGIN INSERT INTO public.marker VALUES (current_user); RETURN current_user; END$$;
CREATE FUNCTION public.mark_row() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM public.mark(); RETURN new; END$$;
CREATE FUNCTION public.mark_key(n int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN PERFORM public.mark(); RETURN n::text; END$$;
CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN PERFORM public.mark(); RETURN true; END$$;
CREATE FUNCTION public.same(oid, integer) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN PERFORM public.mark(); RETURN true; END$$;
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same);
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = integer, FUNCTION = public.same);
CREATE FUNCTION public.format_type(oid, integer) RETURNS text LANGUAGE sql AS 'SELECT public.mark()';
CREATE FUNCTION public.quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT public.mark()';
CREATE FUNCTION public.pg_get_expr(pg_node_tree, oid) RETURNS text LANGUAGE sql AS 'SELECT public.mark()';
CREATE FUNCTION public.pg_terminate_backend(integer, integer) RETURNS text LANGUAGE sql AS 'SELECT public.mark()';
CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT public.mark()';
CREATE VIEW public.pg_database AS SELECT public.mark() AS datname, 1 AS oid;
CREATE VIEW public.pg_extension AS SELECT public.mark() AS extname;
CREATE DOMAIN public.marked AS text DEFAULT public.mark() CHECK (VALUE || '!' <> public.mark());
CREATE TABLE public.trap (n int, v public.marked, w text DEFAULT public.mark());
CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON public.trap FOR EACH ROW EXECUTE FUNCTION public.mark_row();
CREATE MATERIALIZED VIEW public.seen AS SELECT public.mark_key(1);
CREATE INDEX ON public.trap (public.mark_key(n));
CREATE RULE trap AS ON UPDATE TO public.trap DO ALSO SELECT public.mark();
ALTER TABLE public.trap ENABLE ROW LEVEL SECURITY;
CREATE POLICY trap ON public.trap USING (public.mark() IS NOT NULL);
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
CREATE ROLE planted;
CREATE SCHEMA planted AUTHORIZATION planted;
DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END$$;
"""


def test_what_a_stranger_plants_never_runs_as_superuser(server: Server, database: str) -> None:
    with server.connect(database) as session:
        session.run("SET search_path = pg_catalog")
        session.run(PLANTED)
        session.run("DELETE FROM public.marker")
        session.run("INSERT INTO public.trap VALUES (1)")  # the traps do work
        assert session.value("SELECT count(*) FROM public.marker WHERE who = 'app_owner'") != "0"
    with server.connect(database, role=SUPERUSER) as admin:
        assert admin.value("SHOW search_path") == "pg_catalog"
        admin.run("SELECT format_type(oid, NULL), quote_ident(typname) FROM pg_type WHERE typname = 'marked'::text")
        admin.run("SELECT datname FROM pg_database WHERE oid = 1; SELECT extname FROM pg_extension")
        admin.run("SELECT pg_get_expr(adbin, adrelid), pg_get_viewdef(adrelid) FROM pg_attrdef")
        admin.run("SELECT pg_get_indexdef(indexrelid), pg_get_expr(indexprs, indrelid) FROM pg_index")
        admin.run("SELECT pg_get_constraintdef(oid) FROM pg_constraint; SELECT pg_get_triggerdef(oid) FROM pg_trigger")
    available(server)
    assert install(server, database, "pageinspect", schema="public") == "installed"
    assert install(server, database, "vector") in {"installed", "missing"}
    server.drop_roles({"planted"})
    with server.database(template=database) as copy, server.connect(copy) as session:
        assert session.value("SELECT count(*) FROM public.marker WHERE who <> 'app_owner'") == "0"
    with server.connect(database) as session:
        assert session.run("SELECT DISTINCT who FROM public.marker") == [[OWNER]]


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def postmaster(server: Server) -> Path:
    return Path("/proc") / (server.data / "postmaster.pid").read_text().split("\n", 1)[0]


@linux
def test_no_port_is_open(server: Server) -> None:
    # /proc/PID/net shows the whole network namespace; only the postmaster's own sockets count.
    process = postmaster(server)
    own = {link.readlink().name for link in (process / "fd").iterdir()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in (process / "net" / table).read_text().splitlines()]
    assert not [line for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in own]


@linux
def test_no_network_but_its_own(server: Server) -> None:
    if not server.isolated:
        pytest.skip("this system lets nobody make a network namespace")
    assert (postmaster(server) / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    devices = (postmaster(server) / "net" / "dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] in ([], ["lo"])


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: otherwise the server is ours")
def test_root_runs_it_as_somebody_else(server: Server) -> None:
    status = dict(line.split(":\t", 1) for line in (postmaster(server) / "status").read_text().splitlines())
    assert "0" not in status["Uid"].split() + status["Gid"].split()
    assert int(status["CapEff"], 16) == 0


def test_nobody_else_reaches_the_socket(server: Server) -> None:
    assert server.sockets.stat().st_mode & 0o777 == 0o700
    assert (server.sockets / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert server.sockets.stat().st_uid != 0
