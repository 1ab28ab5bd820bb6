"""The report as a hand-off between agents: camelCase on the wire, every value derived from what was observed."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
import yaml

from pgassay.model import Certainty, Finding, Report, Verdict
from pgassay.report.machine import indented
from pgassay.report.words import count, encodable

Outcome = Literal["passed", "failed", "pending", "not_applicable"]
Level = Literal["high", "medium", "low"]

WEIGHT = {Certainty.PROVED: 1.0, Certainty.COMPUTED: 0.8, Certainty.PRESUMED: 0.5}
_PRIORITY: dict[Verdict, Literal["critical", "high", "medium", "low"]] = {
    Verdict.FAILS: "critical",
    Verdict.LOSES_DATA: "critical",
    Verdict.BREAKS_APP: "high",
    Verdict.BLOCKS: "high",
    Verdict.EXPOSES: "high",
    Verdict.SLOWS: "medium",
    Verdict.STYLE: "low",
}
_MARK = {"completed": "✓", "partial": "⚠", "blocked": "✗"}


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Part of a hand-off."""


class TaskCompletion(Part, frozen=True):
    """``blocked``: a migration fails, so it cannot be deployed; ``partial``: not every statement was rehearsed."""

    status: Literal["completed", "blocked", "partial"]
    blockers: tuple[str, ...]
    partial_reason: str | None


class Summary(Part, frozen=True):
    """One sentence, how far it can be trusted, and what was decided on the way."""

    primary_outcome: str
    confidence_level: Level
    key_decisions: tuple[str, ...]


class FileModified(Part, frozen=True):
    """A file that was changed."""

    path: str
    change_type: Literal["created", "modified", "deleted"]
    specific_changes: tuple[str, ...]
    lines_added: int
    lines_removed: int


class ConfigurationChanged(Part, frozen=True):
    """A configuration file that was changed."""

    file: str
    changes: tuple[str, ...]


class Deliverables(Part, frozen=True):
    """What was made. A review changes no file: its remedies are the snippets."""

    files_modified: tuple[FileModified, ...]
    artifacts_created: tuple[str, ...]
    configurations_changed: tuple[ConfigurationChanged, ...]
    code_snippets: tuple[str, ...]


class ReadyForAgent(Part, frozen=True):
    """A task for somebody else. ``requiredContext``: place, rule and fingerprint."""

    agent: str
    task: str
    priority: Literal["critical", "high", "medium", "low"]
    required_context: tuple[str, ...]


class ContextHandoff(Part, frozen=True):
    """Who goes on with what; which files wait for a failing one; which tables and columns are concerned."""

    ready_for_agents: tuple[ReadyForAgent, ...]
    blocked_dependencies: tuple[str, ...]
    shared_resources: tuple[str, ...]


class Tests(Part, frozen=True):
    """``integrationTests`` is the rehearsal; ``coverage`` the percentage of statements rehearsed, null where none."""

    unit_tests: Outcome
    integration_tests: Outcome
    e2e_tests: Outcome = msgspec.field(name="e2eTests")
    coverage: float | None


class Security(Part, frozen=True):
    """``vulnerabilities`` counts the findings of verdict ``exposes``."""

    vulnerabilities: int
    manual_review_needed: bool
    findings: tuple[str, ...]


class Performance(Part, frozen=True):
    """``metrics``: the worst of each time in the evidence, and of the rehearsal, in milliseconds."""

    impact: Literal["negative", "neutral", "unknown"]
    metrics: dict[str, float]


class Documentation(Part, frozen=True):
    """A review writes none."""

    inline: Outcome
    readme: Outcome
    api: Outcome


class QualityGates(Part, frozen=True):
    """What was checked. What was not run is never called passed."""

    tests: Tests
    security: Security
    performance: Performance
    documentation: Documentation


class Metrics(Part, frozen=True):
    """``timeInvested`` in milliseconds. ``confidence``: see ``confidence()``."""

    time_invested: int
    time_estimated: int | None
    tokens_used: int
    confidence: float


class Handoff(Part, frozen=True):
    """The hand-off of a piece of work to whoever goes on with it."""

    task_completion: TaskCompletion
    summary: Summary
    deliverables: Deliverables
    context_handoff: ContextHandoff
    quality_gates: QualityGates
    cache_keys: tuple[str, ...]
    metrics: Metrics


class CompactMetrics(Part, frozen=True):
    """``t``: milliseconds invested; ``cf``: confidence."""

    t: int
    cf: float


class Compact(Part, frozen=True):
    """The compressed form. ``s``: status; ``f``: files, ``path:+45-12`` or ``path:new``; ``n``: next, ``agent:task``;
    ``b``: blockers; ``c``: cache keys; ``m``: metrics."""

    s: Literal["✓", "⚠", "✗"]
    f: tuple[str, ...]
    n: tuple[str, ...]
    b: tuple[str, ...]
    c: tuple[str, ...]
    m: CompactMetrics


def coverage(report: Report) -> float:
    """The share of statements that were rehearsed: 0 in a static review, 1 where there was nothing to do."""
    statements = max(sum(f.statements for f in report.files), len(report.skipped))
    if statements == 0:
        return 1.0
    return 0.0 if report.server.version is None else 1 - len(report.skipped) / statements


def confidence(report: Report) -> float:
    """How far the report can be trusted, from 0 to 1.

    The mean of the findings' certainties (proved 1.0, computed 0.8, presumed 0.5), times the share of statements
    rehearsed. Without findings the mean is 1.0. A static review, which rehearses nothing, is worth 0.5 as a whole,
    times the share of statements not skipped.
    """
    if report.server.version is None:
        statements = max(sum(f.statements for f in report.files), len(report.skipped))
        return round(WEIGHT[Certainty.PRESUMED] * (1 - len(report.skipped) / statements if statements else 1), 3)
    weights = [WEIGHT[f.certainty] for f in report.findings]
    mean = sum(weights) / len(weights) if weights else 1.0
    return round(mean * coverage(report), 3)


def handoff(report: Report, *, threshold: Verdict = Verdict.BLOCKS) -> Handoff:
    """The hand-off of a review. Findings at the threshold or worse become tasks."""
    findings = sorted(report.findings, key=lambda f: f.verdict.rank)
    sure = confidence(report)
    return Handoff(
        task_completion=_completion(report, findings),
        summary=Summary(
            primary_outcome=_outcome(report),
            confidence_level="high" if sure >= 0.8 else "medium" if sure >= 0.5 else "low",
            key_decisions=_decisions(report),
        ),
        deliverables=Deliverables(
            files_modified=(),
            artifacts_created=(),
            configurations_changed=(),
            code_snippets=tuple(filter(None, map(_snippet, findings))),
        ),
        context_handoff=ContextHandoff(
            ready_for_agents=tuple(_task(f) for f in findings if f.verdict.at_least(threshold)),
            blocked_dependencies=_waiting(report),
            shared_resources=tuple(sorted({encodable(f.subject) for f in findings if f.subject})),
        ),
        quality_gates=_gates(report, findings),
        cache_keys=tuple(dict.fromkeys(f.fingerprint for f in findings)),
        metrics=Metrics(
            time_invested=round(report.seconds * 1_000), time_estimated=None, tokens_used=0, confidence=sure
        ),
    )


def _place(finding: Finding) -> str:
    return encodable(f"{finding.path}:{finding.line}")


def _completion(report: Report, findings: list[Finding]) -> TaskCompletion:
    blockers = tuple(f"{_place(f)}: {encodable(f.message)}" for f in findings if f.verdict is Verdict.FAILS)
    reasons = []
    if report.server.version is None:
        reasons.append("static review: nothing was run")
    if report.skipped:
        first = report.skipped[0]
        place = encodable(f"{first.path}:{first.line}: {first.reason}")
        reasons.append(f"{len(report.skipped):,} not rehearsed, first {place}")
    return TaskCompletion(
        status="blocked" if blockers else "partial" if reasons else "completed",
        blockers=blockers,
        partial_reason="; ".join(reasons) or None,
    )


def _outcome(report: Report) -> str:
    scope = count(report.project.pending, "migration") + f" ({count(_statements(report), 'statement')})"
    if report.server.version is None:
        how = "read as text, without a server"
    else:
        how = f"rehearsed on PostgreSQL {encodable(report.server.version)}"
        how += f" with {count(report.rows, 'row')} a table" if report.rows is not None else ""
    found = ", ".join(f"{number} {verdict}" for verdict, number in report.summary.items() if number)
    return f"{scope} of {encodable(report.project.path)} {how}: {found or 'nothing found'}."


def _statements(report: Report) -> int:
    return sum(f.statements for f in report.files)


def _decisions(report: Report) -> tuple[str, ...]:
    project, server = report.project, report.server
    decisions = [f"Under review: {project.pending} of {project.migrations} migrations, {project.why}"]
    decisions.append(f"Runner: {project.runner}")
    decisions.append(
        f"Server: PostgreSQL {server.version}, {server.source}" if server.version else "Server: none, static"
    )
    if report.rows is not None:
        decisions.append(f"Size assumed: {count(report.rows, 'row')} a table")
    return tuple(map(encodable, [*decisions, *report.notes]))


def _snippet(finding: Finding) -> str | None:
    if finding.remedy is None or not finding.remedy.sql.strip():
        return None
    state = "verified" if finding.remedy.verified else "not verified"
    return encodable(f"-- {_place(finding)} {finding.rule} ({state})\n{finding.remedy.sql}")


def _task(finding: Finding) -> ReadyForAgent:
    return ReadyForAgent(
        agent="security-expert" if finding.verdict is Verdict.EXPOSES else "database-expert",
        task=encodable(f"Resolve {finding.rule} at {_place(finding)}: {finding.message}"),
        priority=_PRIORITY[finding.verdict],
        required_context=(_place(finding), encodable(finding.rule), finding.fingerprint),
    )


def _waiting(report: Report) -> tuple[str, ...]:
    """The files that cannot be deployed because one before them fails."""
    paths = [encodable(f.path) for f in report.files]
    failing = next((n for n, f in enumerate(report.files) if f.worst is Verdict.FAILS), None)
    if failing is None:
        return ()
    return tuple(f"{path} waits for {paths[failing]}" for path in paths[failing + 1 :])


def _gates(report: Report, findings: list[Finding]) -> QualityGates:
    exposes = [f for f in findings if f.verdict is Verdict.EXPOSES]
    static = report.server.version is None
    share = coverage(report)
    ran: Outcome
    if _statements(report) == 0:
        ran = "not_applicable"
    elif static or share == 0:
        ran = "pending"
    else:
        ran = "failed" if any(f.verdict.at_least(Verdict.BREAKS_APP) for f in findings) else "passed"
    slow = any(f.verdict in (Verdict.BLOCKS, Verdict.SLOWS) for f in findings)
    return QualityGates(
        tests=Tests(
            unit_tests="not_applicable",
            integration_tests=ran,
            e2e_tests="not_applicable",
            coverage=None if static or _statements(report) == 0 else round(100 * share, 1),
        ),
        security=Security(
            vulnerabilities=len(exposes),
            manual_review_needed=bool(exposes or report.skipped or static),
            findings=tuple(f"{_place(f)}: {encodable(f.message)}" for f in exposes),
        ),
        performance=Performance(
            impact="negative" if slow else "unknown" if ran in ("pending", "not_applicable") else "neutral",
            metrics=_times(report, findings),
        ),
        documentation=Documentation(inline="not_applicable", readme="not_applicable", api="not_applicable"),
    )


def _times(report: Report, findings: list[Finding]) -> dict[str, float]:
    """The largest of each ``…_ms`` in the evidence, and the time of all runs."""
    worst: dict[str, float] = {}
    for item in (item for f in findings for item in f.evidence):
        for key, value in item.data.items():
            if key.endswith("_ms") and isinstance(value, int | float) and math.isfinite(value):
                name = encodable(_camel(key))
                worst[name] = max(worst.get(name, 0.0), round(float(value), 3))
    times = [f.ms for f in report.files if f.ms is not None]
    return worst | ({"rehearsalMs": round(sum(times), 3)} if times else {})


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def compact(whole: Handoff) -> Compact:
    """The compressed form of any hand-off."""
    return Compact(
        s=_MARK[whole.task_completion.status],  # type: ignore[arg-type]
        f=tuple(
            f"{file.path}:new"
            if file.change_type == "created"
            else f"{file.path}:+{file.lines_added}-{file.lines_removed}"
            for file in whole.deliverables.files_modified
        ),
        n=tuple(f"{ready.agent}:{ready.task}" for ready in whole.context_handoff.ready_for_agents),
        b=whole.task_completion.blockers,
        c=whole.cache_keys,
        m=CompactMetrics(t=whole.metrics.time_invested, cf=whole.metrics.confidence),
    )


def expand(short: Compact) -> Handoff:
    """A hand-off with what its compressed form tells; of the rest nothing is claimed: gates are pending, not passed.

    ``compact(expand(short)) == short`` for every compressed form that ``compact`` makes.
    """
    statuses: dict[str, Literal["completed", "partial", "blocked"]] = {"✓": "completed", "⚠": "partial", "✗": "blocked"}
    sure = short.m.cf
    tasks = [entry.partition(":") for entry in short.n]
    return Handoff(
        task_completion=TaskCompletion(status=statuses[short.s], blockers=short.b, partial_reason=None),
        summary=Summary(
            primary_outcome="",
            confidence_level="high" if sure >= 0.8 else "medium" if sure >= 0.5 else "low",
            key_decisions=(),
        ),
        deliverables=Deliverables(
            files_modified=tuple(map(_expanded_file, short.f)),
            artifacts_created=(),
            configurations_changed=(),
            code_snippets=(),
        ),
        context_handoff=ContextHandoff(
            ready_for_agents=tuple(
                ReadyForAgent(agent=agent, task=task, priority="medium", required_context=())
                for agent, _, task in tasks
            ),
            blocked_dependencies=(),
            shared_resources=(),
        ),
        quality_gates=QualityGates(
            tests=Tests(unit_tests="pending", integration_tests="pending", e2e_tests="pending", coverage=None),
            security=Security(vulnerabilities=0, manual_review_needed=True, findings=()),
            performance=Performance(impact="unknown", metrics={}),
            documentation=Documentation(inline="pending", readme="pending", api="pending"),
        ),
        cache_keys=short.c,
        metrics=Metrics(time_invested=short.m.t, time_estimated=None, tokens_used=0, confidence=sure),
    )


def _expanded_file(entry: str) -> FileModified:
    path, _, how = entry.rpartition(":")
    added, _, removed = how.removeprefix("+").partition("-")
    new = how == "new"
    return FileModified(
        path=path,
        change_type="created" if new else "modified",
        specific_changes=(),
        lines_added=0 if new else int(added),
        lines_removed=0 if new else int(removed),
    )


def handoff_json(whole: Handoff) -> str:
    """A hand-off as indented JSON, with a line end."""
    return indented(whole)


def handoff_compact(whole: Handoff) -> str:
    """The compressed form as one line of JSON."""
    return msgspec.json.encode(compact(whole)).decode() + "\n"


def handoff_yaml(whole: Handoff) -> str:
    """A hand-off as YAML."""
    return yaml.dump(
        msgspec.to_builtins(whole), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf
    )  # fmt: skip


class _Dumper(yaml.SafeDumper):
    """SQL of several lines as a block, not as a string of escapes; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # YAML folds these as line ends unless they are quoted.
    style = '"' if set(value) & set("\r\x85\u2028\u2029\ufeff") else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
