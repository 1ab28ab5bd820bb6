"""Scratch servers in odd places: closed, full, long, shared and foreign."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.errors import DiskFull, ServerUnavailable
from pgassay.server import OWNER, Binaries, Connection, ConnectionLost, Server, StatementError, find_binaries, scratch
from pgassay.server.places import server_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
USE = """
from pgassay.server import scratch
with scratch() as server, server.database() as name, server.connect(name) as session:
    print(server.account, session.value("SELECT current_user"), server.data, session.value("SELECT 42"))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can search (pytest's own are closed)."""
    room = "/dev/shm" if os.environ.get("PGASSAY_HOME", "").startswith("/dev/shm") else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="pgassay-test-", dir=room))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, place: Path) -> Path:
    """A PGASSAY_HOME of our own."""
    monkeypatch.setenv("PGASSAY_HOME", str(place / "home"))
    return place / "home"


def works() -> str:
    with scratch() as server, server.database() as name, server.connect(name) as session:
        return session.value("SELECT current_user") or ""


def use(*prefix: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    if prefix and subprocess.run([*prefix, sys.executable, "-c", "import pgassay"], cwd="/", check=False).returncode:
        pytest.skip("that user cannot run this Python")
    env = {name: value for name, value in (dict(os.environ) | environment).items() if value is not None}
    return subprocess.run([*prefix, sys.executable, "-c", USE], env=env, capture_output=True, text=True, check=False)


def test_a_cold_home_gets_its_template_once(at: Path) -> None:
    assert works() == works() == OWNER
    assert len(list((at / "templates").iterdir())) == 1
    assert not list((at / "runs").iterdir())


def test_two_cold_starts_at_once(at: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", USE], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert all(process.communicate()[0].split()[1] == OWNER and process.returncode == 0 for process in both)
    assert len(list((at / "templates").iterdir())) == 1
    assert not list((at / "runs").iterdir())


@pytest.mark.parametrize("name", ["x" * 120, 'it\'s, "odd" @ $(home) é', "a:b", "-rf"])
def test_odd_names(monkeypatch: pytest.MonkeyPatch, place: Path, name: str) -> None:
    monkeypatch.setenv("PGASSAY_HOME", str(place / name))
    with scratch() as server, server.connect("postgres") as session:
        assert session.value("SELECT current_user") == OWNER
    assert not server.sockets.exists()
    assert not list((place / name / "runs").iterdir())


@as_root
def test_a_home_below_a_closed_folder_is_named(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    place.chmod(0o700)
    monkeypatch.setenv("PGASSAY_HOME", str(place / "home"))
    with pytest.raises(ServerUnavailable, match="not searchable by the user nobody"), scratch():
        pass


@as_root
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_programs_below_a_closed_folder_are_copied(at: Path, place: Path, umask: int) -> None:
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        pytest.skip("programs cannot be run from there")
    found = find_binaries()
    if found.source != "embedded":
        pytest.skip("the embedded PostgreSQL is not installed")
    package = found.directory.parent.parent
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(package / "pginstall", closed / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    before = os.umask(umask)
    try:
        moved = Binaries(
            directory=closed / package.name / "pginstall" / "bin", version=found.version, source="embedded"
        )
        for _ in range(2):
            with scratch(moved) as server:
                assert server.binaries.directory.is_relative_to(at / "programs")
                assert server.admin.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'") == "1"
    finally:
        os.umask(before)
    assert not list((at / "runs").iterdir())


@as_root
def test_as_a_normal_user_without_a_home() -> None:
    said = use("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", HOME=None, PGASSAY_HOME=None)
    assert said.stdout.split()[:2] == ["nobody", OWNER], said.stderr
    assert said.stdout.split()[2].startswith("/tmp/pgassay-")
    shutil.rmtree(Path(said.stdout.split()[2]).parents[2])


@as_root
def test_a_user_without_a_name() -> None:
    said = use("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", HOME=None, PGASSAY_HOME=None)
    assert said.stdout.split()[1:2] == [OWNER], said.stderr
    shutil.rmtree("/tmp/pgassay-54321")


@as_root
def test_a_normal_users_unwritable_home_is_passed_over(place: Path) -> None:
    said = use("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", HOME=str(place), PGASSAY_HOME=None)
    assert said.stdout.split()[2].startswith("/tmp/pgassay-"), said.stderr
    shutil.rmtree(Path(said.stdout.split()[2]).parents[2])


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("cannot mount a file system here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@as_root
def test_a_read_only_home_is_named(at: Path) -> None:
    works()
    with mounted(at, "mode=711,size=1m"):
        for part in ("templates", "runs", "programs"):
            (at / part).mkdir()
        subprocess.run(["mount", "-o", "remount,ro", at], check=True)
        with pytest.raises(ServerUnavailable, match=r"Read-only|cannot be written"), scratch():
            pass


@as_root
@pytest.mark.parametrize(("when", "size"), [("making the home", "nr_inodes=3"), ("initdb", "size=4m")])
def test_no_room_for_a_template(at: Path, when: str, size: str) -> None:
    with mounted(at, f"mode=711,{size}"), pytest.raises(DiskFull, match="The disk is full") as problem, scratch():
        pass
    assert problem.value.hint and problem.value.exit_code == 2, when


@as_root
def test_no_room_for_a_copy_or_a_table(at: Path, place: Path) -> None:
    works()
    template = next((at / "templates").iterdir())
    size = int(subprocess.run(["du", "-sk", template], capture_output=True, text=True, check=True).stdout.split()[0])
    spare = place / "spare"
    shutil.copytree(at, spare, symlinks=True)
    account = server_account()
    for room in (size * 3 // 2, size * 2 + 12_000):
        with mounted(at, f"mode=711,size={room}k"):
            shutil.copytree(spare, at, dirs_exist_ok=True)
            for path in (at / "templates").rglob("*"):
                os.chown(path, account.uid or 0, account.gid or 0)
            with pytest.raises(DiskFull, match="The disk is full"), scratch() as server:
                assert room > size * 2
                with server.connect("postgres") as session:
                    session.run("CREATE TEMP TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
            assert not list((at / "runs").iterdir())


def test_the_server_ends_in_the_middle(at: Path) -> None:
    with pytest.raises(ConnectionLost), scratch() as server:
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), 9)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            server.admin.run("SELECT 1")
    assert not list((at / "runs").iterdir())


def test_an_impossible_setting_is_reported_in_the_servers_words() -> None:
    with pytest.raises(ServerUnavailable, match="shared_buffers"), scratch(settings={"shared_buffers": "nonsense"}):
        pass


def test_an_interrupt_clears_up(at: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch() as server, server.database() as name, server.connect(name):
        raise KeyboardInterrupt
    assert not list((at / "runs").iterdir())


def test_roles_do_not_outlive_a_rehearsal(server: Server) -> None:
    with server.database() as one, server.database() as two:
        before = server.roles()
        for name in (one, two):
            with server.connect(name) as session:
                session.run(
                    'CREATE ROLE rehearsed_reader; CREATE ROLE "odd ""rehearsed" LOGIN;'
                    ' GRANT rehearsed_reader TO "odd ""rehearsed";'
                    f" CREATE TABLE t (); GRANT SELECT ON t TO rehearsed_reader WITH GRANT OPTION;"
                    f" GRANT CONNECT ON DATABASE {name} TO rehearsed_reader;"
                    ' CREATE SCHEMA s AUTHORIZATION "odd ""rehearsed"; SET ROLE "odd ""rehearsed"; CREATE TABLE s.t ();'
                    " RESET ROLE; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO rehearsed_reader;"
                    " ALTER ROLE CURRENT_USER SET search_path = nowhere"
                )
            assert server.roles() - before == {"rehearsed_reader", 'odd "rehearsed'}
            server.drop_roles(server.roles() - before)
            assert server.roles() == before
        with server.connect(one) as session:
            assert session.value("SHOW search_path") == '"$user", public'
            assert session.run("SELECT relname FROM pg_class WHERE relname = 't'") == [["t"]]
        server.drop_roles({OWNER, "pgassay", "nobody such"})
        assert server.roles() == before


@pytest.mark.parametrize("end", ["ROLLBACK", "abort", "-- a comment\nROLLBACK", "/* x */ rollback work"])
def test_a_failed_transaction_may_be_rolled_back(connection: Connection, end: str) -> None:
    connection.run("BEGIN")
    with pytest.raises(StatementError):
        connection.run("SELECT 1/0")
    connection.run(end)
    assert connection.transaction == "idle"


@pytest.mark.parametrize("end", ["COMMIT", "END", "-- a comment\ncommit"])
def test_a_commit_that_rolls_back_is_no_success(connection: Connection, end: str) -> None:
    connection.run("BEGIN")
    with pytest.raises(StatementError):
        connection.run("SELECT 1/0")
    with pytest.raises(StatementError, match="rolled it back"):
        connection.run(end)
    assert connection.transaction == "idle"


def test_a_session_out_of_step_is_closed(connection: Connection) -> None:
    connection.run("CREATE TABLE t (n int)")
    with pytest.raises(ConnectionLost):
        connection.run("COPY t FROM STDIN")
    with pytest.raises(ConnectionLost):
        connection.run("SELECT 1")


def test_copies(connection: Connection) -> None:
    connection.run("CREATE TABLE t (n int, s text)")
    assert connection.copy_in("COPY t FROM STDIN", io.BytesIO(b"1\ta\n2\t\\N\n")) == 2
    with pytest.raises(StatementError, match="invalid input syntax"):
        connection.copy_in("COPY t FROM STDIN", io.BytesIO(b"x\ta\n"))
    target = io.BytesIO()
    assert connection.copy_out("COPY t TO STDOUT", target) == 2
    assert target.getvalue() == b"1\ta\n2\t\\N\n"


def test_a_database_that_is_in_use_can_be_dropped(server: Server) -> None:
    name = server.create()
    with server.connect(name) as session:
        server.drop(name)
        with pytest.raises((ConnectionLost, StatementError)):
            session.run("SELECT 1")
