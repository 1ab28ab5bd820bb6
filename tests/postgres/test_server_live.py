from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator

import pytest

from pgassay.errors import ConnectionProblem
from pgassay.server import OWNER, SUPERUSER, Server, StatementError, scratch
from pgassay.server.live import LiveConnection, Refused, connect_live

PASSWORD = "hunter2!/@"
ENCODED = "hunter2%21%2F%40"


@pytest.fixture
def live(server: Server, database: str) -> Iterator[LiveConnection]:
    with server.connect(database) as session:
        session.run("CREATE TABLE t AS SELECT generate_series(1, 3) AS n; CREATE SEQUENCE s")
    # As superuser: the guard must hold where privileges do not.
    with connect_live(f"postgresql://{SUPERUSER}@/{database}?host={server.sockets}") as session:
        yield session


def test_it_reads(live: LiveConnection) -> None:
    assert live.run("SELECT n FROM public.t WHERE n > $1 ORDER BY n", [1]) == [["2"], ["3"]]
    assert live.json("SELECT json_build_object('a', 1)") == {"a": 1}
    assert live.value(" -- a comment\n/* and one more */ SHOW search_path") == "pg_catalog"
    assert live.value("EXPLAIN (FORMAT JSON) SELECT 1") is not None
    target = io.BytesIO()
    assert live.copy_out("COPY (SELECT n FROM public.t) TO STDOUT", target) == 3
    assert target.getvalue() == b"1\n2\n3\n"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("default_transaction_read_only", "on"),
        ("transaction_read_only", "on"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "1s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("application_name", "pgassay"),
    ],
)
def test_it_is_guarded(live: LiveConnection, setting: str, value: str) -> None:
    assert live.value(f"SHOW {setting}") == value


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO public.t VALUES (4)",
        "DROP TABLE public.t",
        "BEGIN",
        "COMMIT",
        "SET TRANSACTION READ WRITE",
        "SET default_transaction_read_only = off",
        "DO $$BEGIN END$$",
        "COPY public.t FROM STDIN",
        "CALL x()",
        "VACUUM",
        "/* SELECT */ TRUNCATE public.t",
        "",
    ],
)
def test_what_is_no_query_is_not_sent(live: LiveConnection, sql: str) -> None:
    with pytest.raises(Refused):
        live.run(sql)


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("SELECT 1; DROP TABLE public.t", "42601"),
        ("SELECT 1; COMMIT; DROP TABLE public.t", "42601"),
        ("WITH x AS (DELETE FROM public.t RETURNING n) SELECT * FROM x", "25006"),
        ("EXPLAIN ANALYZE DELETE FROM public.t", "25006"),
        ("SELECT nextval('public.s')", "25006"),
        ("SELECT n FROM public.t FOR UPDATE", "25006"),
        ("SELECT n INTO public.u FROM public.t", "25006"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "25001"),
        ("SELECT lo_create(7)", "25006"),
    ],
)
def test_what_would_write_is_refused_by_the_server(live: LiveConnection, sql: str, sqlstate: str) -> None:
    with pytest.raises(StatementError) as refusal:
        live.run(sql)
    assert refusal.value.sqlstate == sqlstate
    assert live.value("SELECT count(*) FROM public.t") == "3"


def test_copies_leave_only_through_the_connection(live: LiveConnection) -> None:
    for sql in ("COPY public.t TO PROGRAM 'cat'", "COPY public.t TO '/tmp/x'", "COPY public.t FROM STDIN"):
        with pytest.raises(Refused):
            live.copy_out(sql, io.BytesIO())
    with pytest.raises(Refused):
        live.copy_in("COPY public.t FROM STDIN", io.BytesIO(b"4\n"))


def test_a_setting_does_not_outlive_its_query(live: LiveConnection) -> None:
    live.run("SELECT set_config('statement_timeout', '0', false), set_config('search_path', 'public', false)")
    assert live.run("SELECT current_setting('statement_timeout'), current_setting('search_path')") == [
        ["30s", "pg_catalog"]
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def reachable() -> Iterator[Server]:
    """A server on 127.0.0.1 that asks for a password there."""
    wanted = {"listen_addresses": "127.0.0.1", "port": str(free_port())}
    with scratch(settings=wanted, network=True) as server:
        server.admin.run(f"ALTER ROLE {OWNER} PASSWORD '{PASSWORD}'")
        rules = server.data / "pg_hba.conf"
        rules.write_text("local all all trust\nhost postgres all 127.0.0.1/32 scram-sha-256\n")
        server.admin.run("SELECT pg_reload_conf()")
        for _ in range(200):
            try:
                connect_live(f"postgresql://{OWNER}@127.0.0.1:{server.port}/postgres").close()
            except ConnectionProblem:
                break
            time.sleep(0.02)
        yield server


def test_over_tcp(reachable: Server) -> None:
    with connect_live(
        f"postgresql://{OWNER}:{ENCODED}@127.0.0.1:{reachable.port}/postgres?options=-cwork_mem%3D1MB"
    ) as live:
        assert live.run("SELECT current_user, current_setting('work_mem')") == [[OWNER, "1MB"]]


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_modes_that_do_without_tls(reachable: Server, mode: str) -> None:
    with connect_live(f"postgresql://{OWNER}:{ENCODED}@127.0.0.1:{reachable.port}/postgres?sslmode={mode}") as live:
        assert live.value("SELECT 1") == "1"


@pytest.mark.parametrize(
    ("login", "path", "words"),
    [
        (f"{OWNER}:wrong-{ENCODED}", "postgres", "password authentication failed"),
        (OWNER, "postgres", "it wants a password"),
        (f"stranger:{ENCODED}", "postgres", "password authentication failed"),
        (f"{OWNER}:{ENCODED}", "elsewhere", "no pg_hba.conf entry"),
        (f"{OWNER}:{ENCODED}", "postgres?sslmode=require", "it has no TLS"),
        (f"{OWNER}:{ENCODED}", "postgres?sslmode=verify-full", "it has no TLS"),
        (f"{OWNER}:{ENCODED}", "postgres?sslmode=verify-full&sslrootcert=/nonexistent", "No such file"),
        (f"{OWNER}:{ENCODED}", "postgres?options=-cnonsense%3D1", "nonsense"),
    ],
)
def test_refusals_are_clear_and_keep_the_password(reachable: Server, login: str, path: str, words: str) -> None:
    with pytest.raises(ConnectionProblem, match=words) as problem:
        connect_live(f"postgresql://{login}@127.0.0.1:{reachable.port}/{path}")
    assert f"127.0.0.1:{reachable.port}" in str(problem.value) and path.split("?")[0] in str(problem.value)
    assert "hunter2" not in str(problem.value)
    assert problem.value.exit_code == 2


def test_no_such_database(server: Server) -> None:
    with pytest.raises(ConnectionProblem, match='database "nowhere" does not exist'):
        connect_live(f"postgresql://{OWNER}@/nowhere?host={server.sockets}")


def test_no_server() -> None:
    with pytest.raises(ConnectionProblem, match="Connection refused"):
        connect_live(f"postgresql://u:hunter2@127.0.0.1:{free_port()}/d")
    with pytest.raises(ConnectionProblem, match="No such file"):
        connect_live("postgresql://u@/d?host=/nonexistent")
    with pytest.raises(ConnectionProblem, match=r"no-such-host\.invalid"):
        connect_live("postgresql://u@no-such-host.invalid/d?connect_timeout=5")


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectionProblem, match="no answer within 1 seconds"):
            connect_live(f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=1&sslmode=disable")


def test_a_server_of_another_kind() -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            with web.accept()[0] as client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConnectionProblem):
            connect_live(f"postgresql://u@127.0.0.1:{web.getsockname()[1]}/d?connect_timeout=2&sslmode=disable")
        thread.join()
