from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.errors import ConnectionProblem
from pgassay.server.targets import Target, parse_target

NOWHERE = {"PGPASSFILE": "/nonexistent"}


def parse(url: str, **environment: str) -> Target:
    return parse_target(url, NOWHERE | environment)


@pytest.mark.parametrize(
    ("url", "host", "port", "database", "user", "password"),
    [
        ("postgresql://u:p@h:6543/d", "h", 6543, "d", "u", "p"),
        ("postgres://u@h/d", "h", 5432, "d", "u", None),
        ("postgresql+asyncpg://u@h/d", "h", 5432, "d", "u", None),
        ("postgresql://u@h", "h", 5432, "u", "u", None),
        ("postgresql://u@/d", "localhost", 5432, "d", "u", None),
        ("postgresql://u:p%40%2F%3Aw@h/d%20e", "h", 5432, "d e", "u", "p@/:w"),
        ("postgresql://u:p@ss@h/d", "h", 5432, "d", "u", "p@ss"),
        ("postgresql://u@[2001:db8::1]:99/d", "2001:db8::1", 99, "d", "u", None),
        ("postgresql://u@[::1]/d", "::1", 5432, "d", "u", None),
        ("postgresql://u@a:1,b:2/d", "a", 1, "d", "u", None),
        ("postgresql://u@%2Fvar%2Frun/d", "/var/run", 5432, "d", "u", None),
        ("postgresql://u@/d?host=/var/run/postgresql&port=6", "/var/run/postgresql", 6, "d", "u", None),
        ("postgresql:///d?user=x&password=y&host=a,b", "a", 5432, "d", "x", "y"),
        ("postgresql://u@h/?dbname=e", "h", 5432, "e", "u", None),
    ],
)
def test_urls(url: str, host: str, port: int, database: str, user: str, password: str | None) -> None:
    found = parse(url)
    assert (found.host, found.port, found.database, found.user, found.password) == (
        host,
        port,
        database,
        user,
        password,
    )


@given(
    st.text(min_size=1, max_size=20).filter(lambda t: "\0" not in t and t.isprintable()),
    st.text(min_size=1, max_size=20).filter(lambda t: "\0" not in t and t.isprintable()),
)
def test_what_is_percent_encoded_comes_back(name: str, password: str) -> None:
    found = parse(f"postgresql://{quote(name, safe='')}:{quote(password, safe='')}@h/{quote(name, safe='')}")
    assert (found.user, found.database, found.password) == (name, name, password)


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(parse("postgresql://u:hunter2@h/d")) + str(parse("postgresql://u:hunter2@h/d"))


def test_the_environment_fills_in() -> None:
    found = parse(
        "postgresql://", PGHOST="h", PGPORT="7", PGUSER="u", PGPASSWORD="p", PGDATABASE="d", PGSSLMODE="require"
    )
    assert (found.host, found.port, found.user, found.password, found.database) == ("h", 7, "u", "p", "d")
    assert found.sslmode == "require"
    assert parse("postgresql://x@y:1/z?sslmode=disable", PGHOST="h", PGSSLMODE="require").sslmode == "disable"


def test_options() -> None:
    url = "postgresql://h/d?options=-c%20work_mem%3D1MB%20--geqo%3Doff%20-csearch_path%3Da%5C%20b"
    found = parse(url + "&connect_timeout=3&application_name=me&sslrootcert=/x")
    assert found.options == (("work_mem", "1MB"), ("geqo", "off"), ("search_path", "a b"))
    assert (found.timeout, found.application, found.sslrootcert) == (3, "me", "/x")


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("h:5432:d:u:secret", "secret"),
        ("*:*:*:*:any", "any"),
        ("other:*:*:*:no\nh:*:*:u:second", "second"),
        ("# h:5432:d:u:comment\n*:*:*:u:a\\:b\\\\c", "a:b\\c"),
        ("h:5433:d:u:wrong port", None),
        ("rubbish", None),
    ],
)
def test_password_file(tmp_path: Path, line: str, password: str | None) -> None:
    file = tmp_path / "pgpass"
    file.write_text(line + "\n")
    file.chmod(0o600)
    assert parse("postgresql://u@h/d", PGPASSFILE=str(file)).password == password
    assert parse("postgresql://u@h/d", PGPASSFILE=str(file), PGPASSWORD="first").password == "first"
    file.chmod(0o644)
    assert parse("postgresql://u@h/d", PGPASSFILE=str(file)).password is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://u:hunter2@h/d", "must begin with postgresql://"),
        ("h/d", "must begin with postgresql://"),
        ("postgresql://u:hunter2@h:port/d", "host and port"),
        ("postgresql://u:hunter2@h:99999/d", "port must be a number"),
        ("postgresql://u:hunter2@2001:db8::1/d", "host and port"),
        ("postgresql://u:hunter2@[::1/d", "cannot be read"),
        ("postgresql://u:hunter2@h/d?sslmode=maybe", "sslmode must be"),
        ("postgresql://u:hunter2@h/d?conect_timeout=3", "unknown option: conect_timeout"),
        ("postgresql://u:hunter2@h/d?connect_timeout=soon", "connect_timeout must be"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, words: str) -> None:
    with pytest.raises(ConnectionProblem, match=words) as problem:
        parse(url)
    assert "hunter2" not in str(problem.value)
