"""Where a migration's transactions begin and end."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.errors import InputError
from pgassay.migrate.runner import course
from pgassay.sources import open_project
from tests.migrating import write


def steps(folder: Path, text: str, way: str = "up") -> list[tuple[str, int]]:
    write(folder, {"0001_a.sql": text})
    (migration,) = open_project(str(folder), kind="sql").migrations
    return [(s.kind, len(s.statements)) for s in course(migration, "up" if way == "up" else "down").steps]


def test_a_file_is_one_transaction(tmp_path: Path) -> None:
    assert steps(tmp_path, "CREATE TABLE a (); CREATE TABLE b (); SELECT 1") == [("transaction", 3)]


def test_an_empty_file_is_a_step_for_the_books(tmp_path: Path) -> None:
    assert steps(tmp_path, "-- nothing\n") == [("transaction", 0)]


def test_its_own_borders_are_kept(tmp_path: Path) -> None:
    text = "BEGIN; CREATE TABLE a (); CREATE TABLE b (); COMMIT; VACUUM; BEGIN; DROP TABLE a; COMMIT;"
    assert steps(tmp_path, text) == [("transaction", 2), ("alone", 1), ("transaction", 1)]


def test_savepoints_stay_within(tmp_path: Path) -> None:
    assert steps(tmp_path, "BEGIN; SAVEPOINT s; SELECT 1; RELEASE s; COMMIT") == [("transaction", 3)]


def test_rollback_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be resumed"):
        steps(tmp_path, "BEGIN; DROP TABLE a; ROLLBACK;")


def test_batches_stand_apart(tmp_path: Path) -> None:
    text = "-- +goose Up\nCREATE TABLE a (x int);\n-- pgassay: batch\nUPDATE b SET x = 1;\nCREATE TABLE c ();\n"
    write(tmp_path, {"00001_a.sql": text})
    (migration,) = open_project(str(tmp_path)).migrations
    assert [s.kind for s in course(migration, "up").steps] == ["transaction", "batch", "transaction"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("ALTER TYPE m ADD VALUE 'x'; SELECT 1;", [2]),
        ("ALTER TYPE m ADD VALUE 'x'; INSERT INTO t VALUES ('x');", [1, 1]),
        ("CREATE TYPE m AS ENUM ('a'); ALTER TYPE m ADD VALUE 'x'; INSERT INTO t VALUES ('x');", [3]),
        ("ALTER TYPE m ADD VALUE 'x'; ALTER TYPE m ADD VALUE 'y'; INSERT INTO t VALUES ('y', 'x');", [1, 1, 1]),
    ],
)
def test_a_value_is_committed_before_it_is_used(tmp_path: Path, text: str, kinds: list[int]) -> None:
    assert [number for _, number in steps(tmp_path, text)] == kinds


def test_settings_reach_the_steps_after_them(tmp_path: Path) -> None:
    text = "BEGIN; SET search_path = x; SELECT set_config('a.b', 'c', false); COMMIT; VACUUM; VACUUM;"
    write(tmp_path, {"0001_a.sql": text})
    (migration,) = open_project(str(tmp_path), kind="sql").migrations
    first, second, third = course(migration, "up").steps
    assert first.before == ()
    assert second.before == third.before == ("SET search_path = x", "SELECT set_config('a.b', 'c', false)")


def test_no_way_back_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no way back"):
        steps(tmp_path, "SELECT 1", way="down")
