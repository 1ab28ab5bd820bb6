"""From steps to findings: one cause, one finding; suppressions with a reason are honoured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pgassay.model import Certainty, Evidence, Finding, Oddity, Statement, Verdict
from pgassay.rules.registry import concerned, registry, surveyors
from pgassay.rules.state import State
from pgassay.rules.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Findings worst first, and those that a comment in the file allows."""

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()


def judge(steps: Iterable[Step]) -> Judgement:
    """What all rules say of all steps."""
    findings: list[Finding] = []
    suppressed: list[Finding] = []
    for step in steps:
        first, rest = concerned(frozenset(map(type, step.statement.actions)))
        found: list[Finding] = []
        for rule in first:
            found += [replace(f, rule=rule.id) for f in rule.findings(step, []) if not _unsure(step, f)]
        found = _merged(found)
        # What nobody explained can only be something that was seen.
        for rule in () if step.static else rest:
            found = _merged([*found, *(replace(f, rule=rule.id) for f in rule.findings(step, found))])
        for finding in found:
            reason = _allowed(step.statement, finding.rule)
            if reason is None:
                findings.append(finding)
            elif reason:
                suppressed.append(replace(finding, evidence=(*finding.evidence, _because(reason))))
            else:
                findings.append(replace(finding, evidence=(*finding.evidence, _NO_REASON)))
    return Judgement(findings=order(findings), suppressed=order(suppressed))


def _unsure(step: Step, finding: Finding) -> bool:
    """Whether a failure is told of a statement whose error says nothing about production."""
    failure = step.seen.failure if step.seen else None
    return failure is not None and failure.cause == "missing" and finding.verdict is Verdict.FAILS


def judge_state(state: State, before: State | None = None, renamed: Mapping[str, str] | None = None) -> Judgement:
    """What the rules say of a state: of the whole, or of what is not found in the one ``before`` a change.

    ``renamed``: new subjects by old ones. Rules that judge a change's steps do not judge its state as well.
    """
    old: set[tuple[str, str]] = set()
    found: list[Finding] = []
    for rule in surveyors(changes=before is not None):
        assert rule.survey is not None
        mine = [replace(f, rule=rule.id) for f in rule.survey(state)]
        if mine and before is not None:
            subjects = {f.subject for f in rule.survey(before)}
            old |= {(rule.id, (renamed or {}).get(subject, subject)) for subject in subjects}
        found += mine
    findings: list[Finding] = []
    suppressed: list[Finding] = []
    for finding in (f for f in found if (f.rule, f.subject) not in old):
        reason = state.allowed(finding)
        if reason is None:
            findings.append(finding)
        elif reason:
            suppressed.append(replace(finding, evidence=(*finding.evidence, _because(reason))))
        else:
            findings.append(replace(finding, evidence=(*finding.evidence, _NO_REASON)))
    return Judgement(findings=order(findings), suppressed=order(suppressed))


def judge_oddities(oddities: Iterable[Oddity]) -> tuple[Finding, ...]:
    """What the sources found wrong with the folder itself, as findings of the rules that explain it."""
    rules = {rule.id: rule for rule in registry()}
    return tuple(
        Finding(
            rule=odd.rule,
            verdict=rules[odd.rule].verdict,
            certainty=Certainty.COMPUTED,
            path=odd.path,
            line=odd.line,
            statement=odd.migration or "",
            message=odd.message,
            subject=odd.migration or "",
            evidence=(Evidence(kind="runner", text=rules[odd.rule].title),),
        )
        for odd in dict.fromkeys(oddities)
    )


def order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by place."""
    return tuple(sorted(findings, key=lambda f: (f.verdict.rank, _SURE[f.certainty], f.path, f.line, f.rule)))


def _merged(findings: list[Finding]) -> list[Finding]:
    """One finding a subject: the worst speaks, the others become its evidence."""
    if len(findings) < 2:
        return findings
    by_subject: dict[str, Finding] = {}
    for finding in findings:
        other = by_subject.get(finding.subject)
        if other is None:
            by_subject[finding.subject] = finding
        else:
            worse, lesser = (other, finding) if other.verdict.at_least(finding.verdict) else (finding, other)
            told = {e.text for e in worse.evidence}
            also = Evidence(kind="text", text=f"also {lesser.verdict} ({lesser.rule}): {lesser.message}")
            more = tuple(e for e in lesser.evidence if e.text not in told)
            by_subject[finding.subject] = replace(
                worse, remedy=worse.remedy or lesser.remedy, evidence=(*worse.evidence, also, *more)
            )
    return list(by_subject.values())


def _allowed(statement: Statement, rule: str) -> str | None:
    """The reason for which a comment allows the rule; empty where it gives none, None without a comment."""
    return next((s.reason for s in statement.suppressions if s.rule == rule), None)


def _because(reason: str) -> Evidence:
    return Evidence(kind="text", text=f"allowed: {reason}")


_NO_REASON = Evidence(kind="text", text="a comment allows this without giving a reason, so it does not count")
_SURE = {certainty: rank for rank, certainty in enumerate(Certainty)}
