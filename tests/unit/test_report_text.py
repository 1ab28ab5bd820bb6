"""The report for a terminal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from pgassay.model import Report
from pgassay.report import text
from tests.unit.reports import EXPOSED, INDEX, REQUIRED, clean, mixed, static

HOSTILE = '[red]x[/red] \x1b[2J\x1b]0;owned\x07 \u202emoc\u202c \x9b31m a\x00b\rc\x7f "'


def hostile() -> Report:
    finding = replace(REQUIRED, message=HOSTILE, statement=f"SELECT '{HOSTILE}';", subject=HOSTILE, path=f"a{HOSTILE}")
    assert finding.remedy is not None
    finding = replace(finding, remedy=replace(finding.remedy, sql=HOSTILE, note=HOSTILE))
    evidence = (replace(REQUIRED.evidence[0], text=HOSTILE + " seen"),)
    whole = mixed()
    return replace(
        whole,
        project=replace(whole.project, path=HOSTILE, why=HOSTILE),
        server=replace(whole.server, version=HOSTILE),
        files=tuple(replace(f, path=HOSTILE) for f in whole.files),
        findings=(replace(finding, evidence=evidence),),
        skipped=(replace(whole.skipped[0], path=HOSTILE, reason=HOSTILE, statement=HOSTILE),),
        notes=(HOSTILE,),
        suppressed=(finding,),
    )


def without_remedies(report: Report) -> Report:
    return replace(report, findings=tuple(replace(f, remedy=None) for f in report.findings))


def test_a_clean_run_takes_three_lines() -> None:
    assert text(clean()).splitlines() == [
        "drizzle · drizzle · 2 of 8 migrations under review (newer than origin/main)",
        "PostgreSQL 18.3 (embedded), 1,000 rows a table",
        "3 files, 12 statements, 12 probes of the running application: nothing found in 900 ms",
    ]


def test_findings_come_worst_first_whatever_their_order() -> None:
    shuffled = replace(mixed(), findings=(EXPOSED, INDEX, REQUIRED))
    assert text(shuffled) == text(mixed())
    heads = re.findall(r"^drizzle/\S+:\d+  (\S+) · ", text(shuffled), re.MULTILINE)
    assert heads == ["fails", "blocks", "exposes"]


def test_files_come_by_verdict_and_those_without_findings_are_counted() -> None:
    rows = text(mixed()).split("\n\n")[1].splitlines()
    assert [row.split()[:2] for row in rows] == [
        ["file", "worst"],
        ["0006_kyc.sql", "fails"],
        ["0007_index.sql", "blocks"],
        ["1", "other"],
    ]


def test_the_table_of_files_stays_short_unless_verbose() -> None:
    many = replace(mixed(), files=tuple(replace(mixed().files[1], path=f"{n}.sql") for n in range(100)))
    assert "… 70 more files" in text(many)
    assert "99.sql" not in text(many)
    assert "99.sql" in text(many, verbose=True)


def test_a_finding_shows_place_statement_evidence_and_remedy() -> None:
    block = next(part for part in text(mixed()).split("\n\n") if part.startswith("drizzle/0006_kyc.sql:3"))
    assert block.splitlines()[0] == "drizzle/0006_kyc.sql:3  fails · proved · required-column-added"
    assert '  │ ALTER TABLE "holders" ADD COLUMN "kyc_level" integer NOT NULL;' in block
    assert '  • column "kyc_level" of relation "holders" contains null values (SQLSTATE 23502)' in block
    assert "  Remedy, verified on the scratch server:\n      ALTER TABLE holders ADD COLUMN" in block


def test_a_remedy_that_was_not_run_says_so() -> None:
    assert "Remedy, not verified: alone" in text(mixed())


def test_remedies_are_never_wrapped_or_cut() -> None:
    assert REQUIRED.remedy is not None
    printed = text(mixed(), width=40)
    for line in REQUIRED.remedy.sql.splitlines():
        assert f"      {line}\n" in printed


def test_a_long_statement_is_cut_after_three_lines_unless_verbose() -> None:
    lines = [f"  c{n} integer," for n in range(50)]
    long = replace(REQUIRED, statement="\n".join(["CREATE TABLE t (", *lines, ");"]))
    assert "… 49 more lines" in text(replace(mixed(), findings=(long,)))
    assert "│   c49 integer," in text(replace(mixed(), findings=(long,)), verbose=True)


def test_skipped_notes_and_suppressed_are_told() -> None:
    printed = text(mixed())
    assert "  • drizzle/0007_index.sql:9  postgis is not available" in printed
    assert "Note: production's row counts are not known" in printed
    last = printed.split("\n\n")[-1].replace("\n  ", " ")
    assert last == (
        "3 files, 10 statements, 40 probes of the running application: 1 fails, 1 blocks, 1 exposes, 1 suppressed,"
        " 1 not rehearsed in 2.4 s\n"
    )
    assert "Suppressed by a comment:" in text(mixed(), verbose=True)


def test_a_static_run_says_that_nothing_was_run() -> None:
    assert "Static: the text alone was read, nothing was run" in text(static())


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_nothing_in_the_sql_reaches_the_terminal_raw(colour: bool, verbose: bool) -> None:
    printed = text(hostile(), colour=colour, verbose=verbose)
    ours = re.sub(r"\x1b\[[0-9;]*m", "", printed) if colour else printed
    assert re.findall(r"[^\n\x20-\x7e·│•…]", ours) == []
    assert "[red]x[/red]" in printed
    assert r"\x1b[2J" in printed
    assert r"\u202e" in printed


def test_without_colour_there_is_no_escape_sequence_and_with_it_the_words_are_the_same() -> None:
    plain, coloured = text(mixed()), text(mixed(), colour=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31mfails" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("report", [clean(), mixed(), static(), hostile()], ids=["clean", "mixed", "static", "hostile"])
@pytest.mark.parametrize("width", [40, 63, 64, 80, 100, 200])
def test_prose_keeps_to_the_width(report: Report, width: int) -> None:
    lines = text(without_remedies(report), width=width, verbose=True).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    before = text(mixed(), colour=True)
    for name, value in {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "20", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert text(mixed(), colour=True) == before
