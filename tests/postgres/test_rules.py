"""Every rule's ``bad.sql`` is reported and its ``good.sql`` is not, on a real server and in a static review.

An example is SQL with section comments:

    -- mode: block | query | autocommit       how the runner sends each migration (block unless said)
    -- runner: one-transaction                all migrations share a transaction, as with drizzle-kit
    -- rows: 100                              synthetic rows a table (100 unless said)
    -- setup                                  deployed already; its tables are filled with rows
    -- migration [name]                       pending; may stand several times
    -- expect: VERDICT CERTAINTY              the rule's finding in bad.sql; ``none`` in good.sql
    -- static: VERDICT | none                 what a static review says (the same verdict unless said)
    -- workload                               the application's statements, for rules that judge states

Rules that judge states are shown by a check of the whole schema; those that judge a change's steps as well, by both.

``none``: no finding of this rule, and nothing at or above `blocks` of any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from pgassay.catalog import Catalog
from pgassay.model import Finding, Migration, Project, Report, Runner, TransactionMode, Verdict
from pgassay.rules import Rule, State, judge, registry, static_steps
from pgassay.server import Server
from pgassay.sources import transactions
from pgassay.sql import parse
from pgassay.workflows.check import check_statements
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.review import review_statements
from pgassay.workload import Query
from pgassay.workload.files import read_sql

_SECTION = re.compile(r"^-- (setup|migration|mode|runner|rows|expect|static|workload)\b:?[ \t]*(.*)$", re.MULTILINE)
_FOLDER_RULES = {"silently-skipped-migration", "edited-migration"}  # shown by folders, see test_sources
UNVERIFIED = {"offset-pagination"}  # whose remedy is another query, not a change of the schema


@dataclass(frozen=True)
class Example:
    setup: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    project: Project
    rows: int
    expect: tuple[str, ...]
    static: str
    workload: tuple[Query, ...] = ()


def example(text: str, name: str) -> Example:
    settings = {"mode": "block", "runner": "", "rows": "100", "expect": "none", "static": ""}
    parts = []
    workload: tuple[Query, ...] = ()
    matches = list(_SECTION.finditer(text))
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        body = text[match.end() : following.start() if following else len(text)]
        if match[1] in settings:
            settings[match[1]] = match[2].strip()
            if body.strip():
                parts.append(("migration", "", body))
        elif match[1] == "workload":
            workload = read_sql(body, f"{name}_workload.sql")
        else:
            parts.append((match[1], match[2].strip(), body))
    mode: TransactionMode = settings["mode"]  # type: ignore[assignment]
    migrations = [
        (kind, Migration(name=f"{n}_{label}", path=f"{name}_{n}.sql", text=body,
                         statements=parse(body, f"{name}_{n}.sql"), mode=mode))
        for n, (kind, label, body) in enumerate(parts)
    ]  # fmt: skip
    together = settings["runner"] == "one-transaction"
    runner = Runner(
        name="drizzle-kit" if together else "psql",
        one_transaction=together,
        concurrently=None if together else "send the file without a transaction",
    )
    expect = tuple(settings["expect"].split())
    return Example(
        setup=tuple(m for kind, m in migrations if kind == "setup"),
        pending=tuple(m for kind, m in migrations if kind == "migration"),
        project=Project(kind="sql", path=".", runner=runner, migrations=tuple(m for _, m in migrations)),
        rows=int(settings["rows"]),
        expect=expect,
        static=settings["static"] or expect[0],
        workload=workload,
    )


def live(server: Server, shown: Example) -> Report:
    return review_statements(
        server, shown.project, deployed=shown.setup, pending=shown.pending, options=ReviewOptions(rows=shown.rows)
    )


def whole(server: Server, shown: Example) -> list[Finding]:
    """What a check of the schema that an example leads to finds."""
    sql = "\n".join(m.text for m in (*shown.setup, *shown.pending))
    return [*check_statements(server, State(catalog=Catalog(), workload=shown.workload), sql).findings]


RULES = [rule for rule in registry() if rule.id not in _FOLDER_RULES]


OF_STEPS = [rule for rule in RULES if rule.find]
OF_STATES = [rule for rule in RULES if rule.survey]


@pytest.mark.parametrize("rule", OF_STATES, ids=lambda r: r.id)
def test_a_bad_schema_is_reported(server: Server, rule: Rule) -> None:
    shown = example(rule.bad, rule.id)
    found = whole(server, shown)
    mine = [f for f in found if f.rule == rule.id]
    assert mine, [(f.rule, f.message) for f in found]
    if rule.find is None:  # else the expectation is about the step
        assert (mine[0].verdict, mine[0].certainty) == shown.expect, mine[0]
    assert all(f.remedy is None or f.remedy.verified or rule.id in UNVERIFIED for f in mine), mine[0].remedy


@pytest.mark.parametrize("rule", OF_STATES, ids=lambda r: r.id)
def test_a_good_schema_is_not_reported(server: Server, rule: Rule) -> None:
    found = whole(server, example(rule.good, rule.id))
    loud = [f for f in found if f.rule == rule.id or f.verdict.at_least(Verdict.BLOCKS)]
    assert not loud, [(f.rule, f.verdict, f.message) for f in loud]


@pytest.mark.parametrize("rule", OF_STEPS, ids=lambda r: r.id)
def test_bad_is_reported(server: Server, rule: Rule) -> None:
    shown = example(rule.bad, rule.id)
    report = live(server, shown)
    mine = [f for f in report.findings if f.rule == rule.id]
    assert mine, [(f.rule, f.verdict, f.message) for f in report.findings]
    assert mine[0].verdict == shown.expect[0], mine[0]
    assert mine[0].certainty == shown.expect[1], mine[0]


@pytest.mark.parametrize("rule", OF_STEPS, ids=lambda r: r.id)
def test_good_is_not_reported(server: Server, rule: Rule) -> None:
    report = live(server, example(rule.good, rule.id))
    loud = [f for f in report.findings if f.rule == rule.id or f.verdict.at_least(Verdict.BLOCKS)]
    assert not loud, [(f.rule, f.verdict, f.message) for f in loud]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_static(rule: Rule) -> None:
    for text, reported in ((rule.bad, True), (rule.good, False)):
        shown = example(text, rule.id)
        steps = [
            s for unit in transactions(shown.project, shown.pending) for s in static_steps(unit, shown.project.runner)
        ]
        mine = [f for f in judge(steps).findings if f.rule == rule.id]
        if reported and shown.static != "none":
            assert [f.verdict.value for f in mine[:1]] == [shown.static]
        else:
            assert not mine


@pytest.mark.parametrize("rule", [r for r in RULES if r.looks_at is not None], ids=lambda r: r.id)
def test_looks_at_leaves_nothing_out(rule: Rule) -> None:
    """A rule has nothing to say of statements without the kinds of action that it names."""
    kinds = rule.looks_at or ()
    for other in RULES:
        for text in (other.bad, other.good):
            shown = example(text, other.id)
            for unit in transactions(shown.project, shown.pending):
                for step in static_steps(unit, shown.project.runner):
                    if not any(isinstance(a, kinds) for a in step.statement.actions):
                        assert not list(rule.findings(step, []))


@pytest.mark.parametrize("rule", registry(), ids=lambda r: r.id)
def test_page(rule: Rule) -> None:
    assert rule.title and not rule.title.endswith("."), "a title line"
    assert "Source" in rule.page, "where it is written"
