"""Migrations under traffic: who waits, how long, and what stops working meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.errors import UsageError
from pgassay.model import Report
from pgassay.server import Server
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.review import review, review_statements
from tests.postgres.test_rules import example

T = "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL); CREATE TABLE u (id int PRIMARY KEY, b int NOT NULL);"


def reviewed(server: Server, migration: str, *, mode: str = "block") -> Report:
    shown = example(f"-- setup\n{T}\n-- mode: {mode}\n-- migration\n{migration}\n", "case")
    options = ReviewOptions(rows=200, traffic=True)
    return review_statements(server, shown.project, deployed=shown.setup, pending=shown.pending, options=options)


def number(report: Report, *words: str) -> float:
    (found,) = [value for key, value in report.metrics.items() if all(word in key for word in words)]
    return found


def test_readers_and_writers_wait_for_a_lock(server: Server) -> None:
    """A second under ACCESS EXCLUSIVE; the other table goes on."""
    migration = "ALTER TABLE t ADD COLUMN c int;\nSELECT pg_sleep(1);\nALTER TABLE u ADD COLUMN c int;"
    report = reviewed(server, migration)
    assert 800 < number(report, ":2 public.t reader_ms") < 20_000
    assert 800 < number(report, ":2 public.t writer_ms") < 20_000
    assert max(value for key, value in report.metrics.items() if "public.u" in key) < 800
    assert number(report, ":2 public.t p99_before_ms") < 800
    assert 0.5 < number(report, "observed_to_measured") < 20
    assert any("under traffic a reader of public.t took up to" in note for note in report.notes)
    assert any("lock times measured without" in note for note in report.notes)


def test_a_share_lock_stops_writers_alone(server: Server) -> None:
    report = reviewed(server, "LOCK TABLE t IN SHARE MODE;\nSELECT pg_sleep(1);")
    assert number(report, ":2 public.t writer_ms") > 800 > number(report, ":2 public.t reader_ms")


def test_what_is_away_for_a_moment_breaks_the_application(server: Server) -> None:
    """Afterwards all is as before: only traffic meets the gap."""
    migration = "ALTER TABLE t RENAME TO t_old;\nSELECT pg_sleep(0.2);\nALTER TABLE t_old RENAME TO t;"
    report = reviewed(server, migration, mode="autocommit")
    (found,) = [f for f in report.findings if f.verdict == "breaks-app"]
    assert (found.line, found.certainty) == (2, "proved")
    assert found.rule == "renamed-table"


def test_a_finding_has_the_wait_as_evidence(server: Server) -> None:
    report = reviewed(server, "ALTER TABLE t ALTER COLUMN a TYPE text USING a::text;")
    (found,) = [f for f in report.findings if f.rule == "rewriting-type-change"]
    (evidence,) = [e for e in found.evidence if "reader_stall_ms" in e.data]
    assert float(evidence.data["reader_stall_ms"] or 0) > 0
    assert evidence.text.startswith("under traffic a reader of public.t")


def test_nothing_is_said_of_what_nobody_feels(server: Server) -> None:
    report = reviewed(server, "CREATE TABLE fresh (id int PRIMARY KEY);")
    assert not report.notes
    assert not report.metrics


def test_without_a_server_there_is_no_traffic(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--traffic needs a server"):
        review(str(tmp_path), ReviewOptions(static=True, traffic=True))
