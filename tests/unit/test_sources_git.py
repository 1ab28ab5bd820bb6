"""What is pending by git, in real repositories."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pgassay.errors import UsageError
from pgassay.model import Pending
from pgassay.sources import open_project, pending_default, pending_since

A = "CREATE TABLE a (id int);"
B = "CREATE TABLE b (id int);"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def commit(files: dict[str, str]) -> None:
    write(files)
    git("add", ".")
    git("commit", "-qm", "x")


def repository(files: dict[str, str]) -> None:
    """A repository whose main branch holds some files, on a branch that adds none yet."""
    git("init", "-qb", "main")
    commit(files)
    git("switch", "-qc", "feature")


def journal(*entries: tuple[str, int]) -> dict[str, str]:
    listed = [{"idx": i, "when": w, "tag": t} for i, (t, w) in enumerate(entries)]
    return {"drizzle/meta/_journal.json": json.dumps({"dialect": "postgresql", "entries": listed}, indent=1)}


def pending(ref: str | None = "main", path: str = ".") -> tuple[list[str], list[str], list[str]]:
    """Names of what is deployed and of what is pending, and the rules of the oddities with their migrations."""
    project = open_project(path)
    found: Pending = pending_since(project, ref) if ref else pending_default(project)
    return (
        [m.name for m in found.deployed],
        [m.name for m in found.pending],
        [f"{o.rule} {o.migration}" for o in found.oddities],
    )


def test_added_uncommitted_and_untracked_files_are_pending() -> None:
    repository({"migrations/1_a.sql": A})
    commit({"migrations/2_b.sql": B})
    write({"migrations/3_c.sql": A, "migrations/4_d.sql": B})
    git("add", "migrations/3_c.sql")
    assert pending() == (["1_a"], ["2_b", "3_c", "4_d"], [])
    assert pending(None) == pending("main") == pending("main", "migrations")
    why = pending_since(open_project("."), "main").why
    assert why.startswith("3 of 4 files added since main (merge base ")


def test_what_main_adds_later_is_not_ours() -> None:
    repository({"migrations/1_a.sql": A})
    git("switch", "-q", "main")
    commit({"migrations/2_main.sql": B})
    git("switch", "-q", "feature")
    commit({"migrations/3_ours.sql": B})
    assert pending() == (["1_a"], ["3_ours"], [])


def test_an_edited_file_is_named_but_not_one_whose_comments_changed() -> None:
    repository({"migrations/1_a.sql": A, "migrations/2_b.sql": B})
    write({"migrations/1_a.sql": "-- why\n" + A, "migrations/2_b.sql": B.replace("int", "bigint")})
    assert pending() == (["1_a", "2_b"], [], ["edited-migration 2_b"])


def test_nothing_added_is_the_whole_history_with_what_was_edited() -> None:
    repository({"migrations/1_a.sql": A})
    assert pending_default(open_project(".")).history
    write({"migrations/1_a.sql": B})
    found = pending_default(open_project("."))
    assert found.history and [o.rule for o in found.oddities] == ["edited-migration"]


def test_no_repository_is_the_whole_history() -> None:
    write({"migrations/1_a.sql": A})
    assert pending_default(open_project(".")).history
    with pytest.raises(UsageError, match="is in no git repository"):
        pending_since(open_project("."), "main")


def test_unknown_base() -> None:
    repository({"migrations/1_a.sql": A})
    with pytest.raises(UsageError, match="git knows no such commit here\nFetch it first"):
        pending_since(open_project("."), "nowhere")
    with pytest.raises(UsageError, match="knows no such commit"):
        pending_since(open_project("."), "--output=x")
    git("checkout", "-q", "--orphan", "other")
    commit({"x": "y"})
    with pytest.raises(UsageError, match="no commit in common"):
        pending_since(open_project("."), "main")


def test_drizzle_goes_by_the_time_stamp_of_the_newest_deployed_entry() -> None:
    files = {f"drizzle/{n}.sql": A for n in ("0000_a", "0001_b")}
    repository(files | journal(("0000_a", 10), ("0001_b", 30)))
    commit({"drizzle/0002_late.sql": B, "drizzle/0003_ok.sql": B}
           | journal(("0000_a", 10), ("0001_b", 30), ("0002_late", 20), ("0003_ok", 40)))  # fmt: skip
    assert pending() == (["0000_a", "0001_b"], ["0003_ok"], ["silently-skipped-migration 0002_late"])


def test_drizzle_old_disorder_is_not_reported_again() -> None:
    files = {f"drizzle/{n}.sql": A for n in ("0000_a", "0001_b")}
    repository(files | journal(("0000_a", 30), ("0001_b", 10)))
    assert len(open_project(".").oddities) == 1
    commit({"drizzle/0002_c.sql": B} | journal(("0000_a", 30), ("0001_b", 10), ("0002_c", 40)))
    assert pending() == (["0000_a", "0001_b"], ["0002_c"], [])


def test_drizzle_renamed_entry_is_deployed() -> None:
    repository({"drizzle/0000_a.sql": A} | journal(("0000_a", 10)))
    git("mv", "drizzle/0000_a.sql", "drizzle/0000_z.sql")
    write(journal(("0000_z", 10)))
    assert pending() == (["0000_z"], [], [])


def test_golang_migrate_never_runs_an_older_version() -> None:
    repository({"migrations/5_a.up.sql": A})
    commit({"migrations/4_late.up.sql": B, "migrations/6_b.up.sql": B})
    assert pending() == (["5_a"], ["6_b"], ["silently-skipped-migration 4_late"])


def test_goose_stops_at_an_older_version() -> None:
    repository({"migrations/5_a.sql": f"-- +goose Up\n{A}"})
    commit({"migrations/4_late.sql": f"-- +goose Up\n{B}"})
    assert pending() == (["5_a.sql"], ["4_late.sql"], ["silently-skipped-migration 4_late.sql"])


def test_flyway_minds_comments_and_runs_repeatable_files_again() -> None:
    repository({"sql/V1__a.sql": A, "sql/R__v.sql": "CREATE VIEW v AS SELECT 1"})
    write({"sql/V1__a.sql": "-- c\n" + A, "sql/R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1"})
    assert pending() == (["1"], ["R__v"], ["edited-migration 1"])


def test_flyway_stops_at_an_older_version_unless_told() -> None:
    repository({"sql/V2__a.sql": A})
    write({"sql/V1__late.sql": B})
    assert pending() == (["2"], ["1"], ["silently-skipped-migration 1"])
    write({"flyway.conf": "flyway.outOfOrder=true"})
    assert pending() == (["2"], ["1"], [])


def test_one_file_that_was_changed_is_under_review() -> None:
    repository({"x.sql": A})
    assert pending("main", "x.sql") == (["x"], [], [])
    write({"x.sql": B})
    assert pending("main", "x.sql") == ([], ["x"], [])


def test_inside_a_hook_git_still_finds_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    repository({"migrations/1_a.sql": A})
    commit({"migrations/2_b.sql": B})
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert pending() == (["1_a"], ["2_b"], [])
