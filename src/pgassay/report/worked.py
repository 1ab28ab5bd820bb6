"""A hand-off for people: what was done, what it rests on, who goes on."""

from __future__ import annotations

from pgassay.report.handover import Handoff
from pgassay.report.words import count, duration, one_line


def worked_text(whole: Handoff) -> str:
    """The report of ``pgassay agent run --format text``."""
    done, gates, metrics = whole.task_completion, whole.quality_gates, whole.metrics
    lines = [f"{done.status}: {one_line(whole.summary.primary_outcome)}"]
    lines += [f"  blocked by {one_line(b)}" for b in done.blockers]
    lines += [f"  {one_line(done.partial_reason)}"] if done.partial_reason else []
    if whole.deliverables.files_modified:
        lines += ["", "Files"]
        lines += [
            f"  {one_line(f.path)} ({f.change_type}, +{f.lines_added} -{f.lines_removed})"
            for f in whole.deliverables.files_modified
        ]
    share = "" if gates.tests.coverage is None else f", {gates.tests.coverage:g} % of statements rehearsed"
    lines += ["", "Gates", f"  tests: {gates.tests.integration_tests}{share}"]
    lines.append(f"  security: {count(gates.security.vulnerabilities, 'finding')}")
    lines.append(f"  performance: {gates.performance.impact}")
    lines += ["", "Decisions", *(f"  {one_line(d)}" for d in whole.summary.key_decisions)]
    if whole.context_handoff.ready_for_agents:
        lines += ["", "Next"]
        lines += [f"  {one_line(r.agent)}: {one_line(r.task)}" for r in whole.context_handoff.ready_for_agents]
    lines += ["", f"{metrics.tokens_used:,} tokens, {duration(metrics.time_invested)}"]
    return "\n".join(lines) + "\n"
