"""Advice as a hand-off between agents."""

from __future__ import annotations

from collections.abc import Sequence

from pgassay.advisor.model import Advice
from pgassay.advisor.proof import slower
from pgassay.model import Certainty
from pgassay.report.handover import (
    WEIGHT,
    ContextHandoff,
    Deliverables,
    Documentation,
    Handoff,
    Metrics,
    Performance,
    QualityGates,
    ReadyForAgent,
    Security,
    Summary,
    TaskCompletion,
    Tests,
    handoff_json,
)
from pgassay.report.tuning_evidence import evidence
from pgassay.report.words import count, encodable, one_line


def tuning_handoff(advice: Advice, written: Sequence[str] = ()) -> str:
    """The hand-off as indented JSON: recommendations are snippets, rewrites tasks of whoever owns the queries."""
    weights = [WEIGHT[c.certainty] for c in advice.changes]
    total = len(advice.queries) + len(advice.skipped)
    sure = round(sum(weights) / len(weights) * len(advice.queries) / total, 3) if weights else 0.5
    proved = all(r.certainty is Certainty.PROVED for r in advice.recommendations)
    pairs = [(c.before, c.after) for c in advice.changes if c.before and c.after]
    before = sum(b.cpu_ms for b, _ in pairs)
    after = sum(a.cpu_ms for _, a in pairs)
    created = [r for r in advice.recommendations if r.kind == "create index"]
    bytes_created = sum(r.bytes for r in created)
    return handoff_json(
        Handoff(
            task_completion=TaskCompletion(
                status="partial" if advice.skipped else "completed",
                blockers=(),
                partial_reason=f"{count(len(advice.skipped), 'statement')} left out" if advice.skipped else None,
            ),
            summary=Summary(
                primary_outcome=f"{count(len(advice.recommendations), 'recommendation')} for "
                f"{count(len(advice.queries), 'statement')}: CPU {before:.1f} ms → {after:.1f} ms a run of each.",
                confidence_level="high" if sure >= 0.8 else "medium" if sure >= 0.5 else "low",
                key_decisions=(
                    f"Proved on {advice.ground} rows, PostgreSQL {encodable(advice.server)}",
                    *(f"Refused: {encodable(r.sql)}: {encodable(r.reason)}" for r in advice.refused[:20]),
                    *map(encodable, advice.notes),
                ),
            ),
            deliverables=Deliverables(
                files_modified=(),
                artifacts_created=tuple(map(encodable, written)),
                configurations_changed=(),
                code_snippets=tuple(
                    encodable(
                        _commented(evidence(advice, r)) + "".join(f"{s};\n" for s in (*r.before, r.sql, *r.after))
                    )
                    for r in advice.recommendations
                ),
            ),
            context_handoff=ContextHandoff(
                ready_for_agents=tuple(
                    ReadyForAgent(
                        agent="backend-engineer",
                        task=encodable(f"Rewrite query {r.query} ({r.rule}): {r.why}"),
                        priority="medium",
                        required_context=(encodable(one_line(r.sql)), *r.needs),
                    )
                    for r in advice.rewrites
                ),
                blocked_dependencies=(),
                shared_resources=tuple(sorted({str(r.table) for r in advice.recommendations})),
            ),
            quality_gates=QualityGates(
                tests=Tests(
                    unit_tests="not_applicable",
                    integration_tests="passed" if proved else "pending",
                    e2e_tests="not_applicable",
                    coverage=round(100 * len(advice.queries) / total, 1) if total else None,
                ),
                security=Security(vulnerabilities=0, manual_review_needed=False, findings=()),
                performance=Performance(
                    impact="negative" if any(map(slower, advice.changes)) else "neutral",
                    metrics={
                        "cpuBeforeMs": round(before, 3),
                        "cpuAfterMs": round(after, 3),
                        "buffersBefore": float(sum(b.buffers for b, _ in pairs)),
                        "buffersAfter": float(sum(a.buffers for _, a in pairs)),
                        "indexBytes": float(bytes_created),
                    },
                ),
                documentation=Documentation(inline="not_applicable", readme="not_applicable", api="not_applicable"),
            ),
            cache_keys=tuple(sorted(r.name for r in advice.recommendations)),
            metrics=Metrics(
                time_invested=round(advice.seconds * 1_000), time_estimated=None, tokens_used=0, confidence=sure
            ),
        )
    )


def _commented(text: str) -> str:
    return "".join(f"-- {line}".rstrip() + "\n" for line in text.split("\n"))
