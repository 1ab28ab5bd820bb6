"""The agent's hand-off: its gates, files and status come from what ran and what is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from pgassay.agent.desk import Desk
from pgassay.agent.expert import Ended
from pgassay.agent.proof import Proven
from pgassay.agent.redaction import redact
from pgassay.agent.routing import Decision
from pgassay.report.handover import (
    ContextHandoff,
    Deliverables,
    Documentation,
    FileModified,
    Handoff,
    Metrics,
    Outcome,
    Performance,
    QualityGates,
    ReadyForAgent,
    Security,
    Summary,
    TaskCompletion,
    Tests,
    confidence,
    handoff,
)
from pgassay.report.words import count, encodable, one_line

_RANK = {"completed": 0, "partial": 1, "blocked": 2}
_DOCUMENTS = (".md", ".rst", ".txt", ".adoc")


def handed(decision: Decision, ended: Ended, proven: Proven, desk: Desk) -> Handoff:
    """The hand-off of a task."""
    fence, claim = desk.fence, ended.claim

    def said(text: str) -> str:
        return encodable(one_line(redact(text, desk.secrets)))

    review, check = proven.report("review"), proven.report("check")
    reports = [handoff(r, threshold=desk.proof.threshold) for r in (review, check) if r is not None]
    completion = _completion(ended, proven)
    ran = ", ".join(dict.fromkeys(r.verb for r in proven.ran)) or "nothing"
    outcome = (
        f"{count(len(fence.changed), 'file')} changed; ran {ran}: "
        f"{count(len(proven.fresh), 'new finding')}, {proven.known} from before."
    )
    served = "none" if ended.stop == "provider" else ended.model or decision.model
    decisions = [f"Model {served} ({decision.level}, rule {decision.rule}): {decision.reason}"]
    decisions += ended.notes
    decisions += [f"Read first: {page.source} ({page.how})" for page in desk.docs.read.values()]
    if claim is not None:
        decisions += [f"The model says: {claim.outcome}", *(f"The model decided: {each}" for each in claim.decisions)]
    sure = min([confidence(r) for r in (review, check) if r is not None], default=0.0)
    return Handoff(
        task_completion=TaskCompletion(
            status=completion.status,
            blockers=tuple(map(said, completion.blockers)),
            partial_reason=None if completion.partial_reason is None else said(completion.partial_reason),
        ),
        summary=Summary(
            primary_outcome=said(outcome),
            confidence_level="high" if sure >= 0.8 else "medium" if sure >= 0.5 else "low",
            key_decisions=tuple(map(said, decisions)),
        ),
        deliverables=Deliverables(
            files_modified=tuple(_file(desk, name) for name in fence.changed),
            artifacts_created=tuple(encodable(n) for n in fence.changed if fence.before[n] is None),
            configurations_changed=(),
            code_snippets=tuple(s for h in reports for s in h.deliverables.code_snippets),
        ),
        context_handoff=ContextHandoff(
            ready_for_agents=tuple(_ready(ended, desk, reports, said)),
            blocked_dependencies=tuple(d for h in reports for d in h.context_handoff.blocked_dependencies),
            shared_resources=tuple(dict.fromkeys(s for h in reports for s in h.context_handoff.shared_resources)),
        ),
        quality_gates=_gates(reports, proven, desk),
        cache_keys=tuple(dict.fromkeys([*map(encodable, desk.docs.read), *(k for h in reports for k in h.cache_keys)])),
        metrics=Metrics(
            time_invested=round(ended.seconds * 1_000), time_estimated=None, tokens_used=ended.tokens, confidence=sure
        ),
    )


def _completion(ended: Ended, proven: Proven) -> TaskCompletion:
    claim = ended.claim
    fails = tuple(p for p in proven.problems if "(fails)" in p)
    if ended.stop == "provider":
        return TaskCompletion(status="blocked", blockers=(ended.why,), partial_reason=None)
    if claim is not None and claim.status == "blocked":
        blockers = tuple(claim.blockers or [claim.outcome])
        return TaskCompletion(status="blocked", blockers=(*blockers, *proven.problems), partial_reason=None)
    if claim is not None and claim.status == "completed" and proven.holds and ended.stop is None:
        return TaskCompletion(status="completed", blockers=(), partial_reason=None)
    reasons = [ended.why] if ended.why else []
    if claim is not None and claim.status == "partial":
        reasons.append(claim.outcome)
    elif claim is not None:
        reasons.append("the model called it completed, and what pgassay ran does not bear that out")
    reasons += list(proven.problems[:8])
    return TaskCompletion(
        status="blocked" if fails else "partial",
        blockers=fails,
        partial_reason="; ".join(reasons) or "it was not finished",
    )


def _file(desk: Desk, name: str) -> FileModified:
    added, removed = desk.fence.lines(name)
    now, then = desk.fence.now(name), desk.fence.before[name]
    return FileModified(
        path=encodable(name),
        change_type="created" if then is None else "deleted" if now is None else "modified",
        specific_changes=(),
        lines_added=added,
        lines_removed=removed,
    )


def _ready(ended: Ended, desk: Desk, reports: Sequence[Handoff], said: Callable[[str], str]) -> Iterable[ReadyForAgent]:
    """Tasks for others: from findings, from what workflows made, from the model where its files are really there."""
    for report in reports:
        yield from report.context_handoff.ready_for_agents
    for made in desk.handoffs:
        yield msgspec.convert(made, ReadyForAgent)
    for following in ended.claim.next if ended.claim else ():
        there = [path for path in following.paths if path in desk.fence.changed]
        if there:
            yield ReadyForAgent(
                agent=said(following.agent), task=said(following.task), priority="medium",
                required_context=tuple(map(encodable, there)),
            )  # fmt: skip


def _gates(reports: Sequence[Handoff], proven: Proven, desk: Desk) -> QualityGates:
    gates = [h.quality_gates for h in reports]
    unsure = not gates or any(g.security.manual_review_needed for g in gates) or bool(proven.problems)
    ran = [g.tests.integration_tests for g in gates]
    covered = [g.tests.coverage for g in gates if g.tests.coverage is not None]
    integration: Outcome = "pending"
    if gates:
        integration = next((o for o in ("failed", "pending", "passed") if o in ran), "not_applicable")
        if proven.problems and integration == "passed":
            bad = any(f.verdict.at_least(desk.proof.threshold) for f in proven.fresh)
            integration = "failed" if bad else "pending"
    figures = {name: value for r in proven.ran for name, value in r.figures.items()}
    impacts = [g.performance.impact for g in gates]
    documents = [name for name in desk.fence.changed if name.endswith(_DOCUMENTS)]
    written: Outcome = "passed" if any("readme" in n.lower() for n in documents) else "not_applicable"
    return QualityGates(
        tests=Tests(
            unit_tests="not_applicable", integration_tests=integration, e2e_tests="not_applicable",
            coverage=min(covered) if covered else None,
        ),
        security=Security(
            vulnerabilities=sum(g.security.vulnerabilities for g in gates),
            manual_review_needed=unsure,
            findings=tuple(f for g in gates for f in g.security.findings),
        ),
        performance=Performance(
            impact="negative" if "negative" in impacts else "neutral" if "neutral" in impacts else "unknown",
            metrics={k: v for g in gates for k, v in g.performance.metrics.items()} | figures,
        ),
        documentation=Documentation(inline="not_applicable", readme=written, api="not_applicable"),
    )  # fmt: skip


def merged(parts: Sequence[tuple[str, Handoff]]) -> Handoff:
    """Several tasks' hand-offs as one: the worst status, everything else side by side under the tasks' ids."""
    if len(parts) == 1:
        return parts[0][1]
    worst = max((h.task_completion.status for _, h in parts), key=_RANK.__getitem__)
    gates = [h.quality_gates for _, h in parts]
    outcomes = [g.tests.integration_tests for g in gates]
    covered = [g.tests.coverage for g in gates if g.tests.coverage is not None]
    impacts = [g.performance.impact for g in gates]
    reasons = [f"{id}: {h.task_completion.partial_reason}" for id, h in parts if h.task_completion.partial_reason]
    sure = min(h.metrics.confidence for _, h in parts)
    return Handoff(
        task_completion=TaskCompletion(
            status=worst,
            blockers=tuple(f"{id}: {b}" for id, h in parts for b in h.task_completion.blockers),
            partial_reason="; ".join(reasons) or None,
        ),
        summary=Summary(
            primary_outcome="; ".join(
                f"{id} {h.task_completion.status}: {h.summary.primary_outcome}" for id, h in parts
            ),
            confidence_level="high" if sure >= 0.8 else "medium" if sure >= 0.5 else "low",
            key_decisions=tuple(f"{id}: {d}" for id, h in parts for d in h.summary.key_decisions),
        ),
        deliverables=Deliverables(
            files_modified=tuple(f for _, h in parts for f in h.deliverables.files_modified),
            artifacts_created=_once(a for _, h in parts for a in h.deliverables.artifacts_created),
            configurations_changed=tuple(c for _, h in parts for c in h.deliverables.configurations_changed),
            code_snippets=_once(s for _, h in parts for s in h.deliverables.code_snippets),
        ),
        context_handoff=ContextHandoff(
            ready_for_agents=tuple(dict.fromkeys(r for _, h in parts for r in h.context_handoff.ready_for_agents)),
            blocked_dependencies=_once(d for _, h in parts for d in h.context_handoff.blocked_dependencies),
            shared_resources=_once(s for _, h in parts for s in h.context_handoff.shared_resources),
        ),
        quality_gates=QualityGates(
            tests=Tests(
                unit_tests="not_applicable", e2e_tests="not_applicable", coverage=min(covered) if covered else None,
                integration_tests=next((o for o in ("failed", "pending", "passed") if o in outcomes), "not_applicable"),
            ),
            security=Security(
                vulnerabilities=sum(g.security.vulnerabilities for g in gates),
                manual_review_needed=any(g.security.manual_review_needed for g in gates),
                findings=_once(f for g in gates for f in g.security.findings),
            ),
            performance=Performance(
                impact=next((i for i in ("negative", "unknown", "neutral") if i in impacts), "unknown"),
                metrics={k: v for g in gates for k, v in g.performance.metrics.items()},
            ),
            documentation=Documentation(
                inline="not_applicable", api="not_applicable",
                readme="passed" if any(g.documentation.readme == "passed" for g in gates) else "not_applicable",
            ),
        ),
        cache_keys=_once(k for _, h in parts for k in h.cache_keys),
        metrics=Metrics(
            time_invested=sum(h.metrics.time_invested for _, h in parts), time_estimated=None,
            tokens_used=sum(h.metrics.tokens_used for _, h in parts), confidence=sure,
        ),
    )  # fmt: skip


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


__all__ = ["handed", "merged"]
