"""``-- pgassay: batch`` above a statement: what it is to our runner, and what to any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pgassay.model import Finding, Runner, Statement
from pgassay.sources.marks import marked

EASED = "updated-rows"  # what a statement is no more where it runs in batches


def heeded(findings: Iterable[Finding], statements: Iterable[Statement], runner: Runner) -> tuple[Finding, ...]:
    """The findings; where a mark was meant to ease one, that this runner does not know of it."""
    places = {(s.path, s.line, s.text): s for s in statements}
    made = []
    for finding in findings:
        statement = places.get((finding.path, finding.line, finding.statement))
        if finding.rule == EASED and statement is not None and marked(statement):
            words = (
                f"{finding.message}: `-- pgassay: batch` is a comment to {_named(runner)};"
                " `pgassay migrate up` runs it in batches"
            )
            finding = replace(finding, message=words)
        made.append(finding)
    return tuple(made)


def _named(runner: Runner) -> str:
    return "whatever else runs it" if runner.name == "plain SQL" else runner.name
