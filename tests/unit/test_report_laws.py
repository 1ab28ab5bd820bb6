"""What holds for every report."""

from __future__ import annotations

import json
from typing import get_args

import jsonschema
import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pgassay.model import (
    Certainty,
    Evidence,
    EvidenceKind,
    FileFacts,
    Finding,
    ProjectFacts,
    Remedy,
    Report,
    ServerFacts,
    Skipped,
    Verdict,
)
from pgassay.report import (
    DOCUMENTS,
    document,
    handoff,
    handoff_compact,
    handoff_json,
    handoff_yaml,
    json_text,
    schema,
    text,
)

words = st.text(max_size=60) | st.text(st.characters(categories=["Cc", "Cs", "Cf", "Zl", "Zs", "So"]), max_size=8)
counts = st.integers(0, 10**12)
times = st.floats(0, 1e9, allow_nan=False)
figures = st.dictionaries(
    words | st.just("held_ms"),
    words | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    max_size=4,
)
evidence = st.builds(Evidence, kind=st.sampled_from(get_args(EvidenceKind)), text=words, data=figures)
remedies = st.none() | st.builds(Remedy, sql=words, verified=st.booleans(), note=st.none() | words)
findings = st.builds(
    Finding,
    rule=words,
    verdict=st.sampled_from(Verdict),
    certainty=st.sampled_from(Certainty),
    path=words,
    line=counts,
    statement=words,
    message=words,
    subject=words,
    remedy=remedies,
    evidence=st.lists(evidence, max_size=8).map(tuple),
)
reports = st.builds(
    Report,
    project=st.builds(ProjectFacts, kind=words, path=words, runner=words, migrations=counts, pending=counts, why=words),
    server=st.builds(ServerFacts, version=st.none() | words, source=words),
    files=st.lists(
        st.builds(
            FileFacts,
            path=words,
            statements=counts,
            worst=st.none() | st.sampled_from(Verdict),
            findings=counts,
            ms=st.none() | times,
        ),
        max_size=4,
    ).map(tuple),
    findings=st.lists(findings, max_size=4).map(tuple),
    skipped=st.lists(st.builds(Skipped, path=words, line=counts, statement=words, reason=words), max_size=12).map(
        tuple
    ),
    notes=st.lists(words, max_size=3).map(tuple),
    suppressed=st.lists(findings, max_size=2).map(tuple),
    rows=st.none() | counts,
    seconds=times,
    probed=counts,
    metrics=st.dictionaries(words, times, max_size=3),
)
SCHEMAS = {name: jsonschema.Draft202012Validator(schema(name)) for name in DOCUMENTS}


@settings(max_examples=150, deadline=None)
@given(report=reports, width=st.integers(40, 200), verbose=st.booleans(), colour=st.booleans())
def test_any_report_can_be_printed(report: Report, width: int, verbose: bool, colour: bool) -> None:
    printed = text(report, width=width, colour=colour, verbose=verbose)
    assert printed.endswith("\n")
    if not colour:
        assert all(c == "\n" or c.isprintable() or c.isspace() for c in printed)
        assert "\x1b" not in printed
    if not colour and not any(f.remedy for f in report.findings):
        assert max(map(cell_len, printed.split("\n"))) <= width


@settings(max_examples=100, deadline=None)
@given(report=reports)
def test_any_report_round_trips_as_json_and_obeys_the_schema(report: Report) -> None:
    printed = json_text(report)
    assert msgspec.json.decode(printed, type=DOCUMENTS["json"], strict=True) == document(report)
    SCHEMAS["json"].validate(json.loads(printed))


@settings(max_examples=100, deadline=None)
@given(report=reports, threshold=st.sampled_from(Verdict))
def test_any_report_can_be_handed_over(report: Report, threshold: Verdict) -> None:
    whole = handoff(report, threshold=threshold)
    found = json.loads(handoff_json(whole))
    SCHEMAS["handoff"].validate(found)
    SCHEMAS["handoff-compact"].validate(json.loads(handoff_compact(whole)))
    assert yaml.safe_load(handoff_yaml(whole)) == found
    assert 0 <= whole.metrics.confidence <= 1
    assert (whole.task_completion.status == "blocked") == any(f.verdict is Verdict.FAILS for f in report.findings)
    assert len(whole.context_handoff.ready_for_agents) == sum(f.verdict.at_least(threshold) for f in report.findings)
