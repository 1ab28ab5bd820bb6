"""Rules as pages (Markdown) and as a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgassay.rules.registry import Rule


def rule_page(rule: Rule) -> str:
    """The page of a rule: what it says, and the SQL that the tests run for it."""
    body = rule.page.partition("\n")[2].strip("\n")
    parts = [
        f"# {rule.id}",
        f"{rule.title}. Verdict: `{rule.verdict.value}`. Family: {rule.family}.",
        body,
        f"## Reported\n\n```sql\n{rule.bad.strip()}\n```",
        f"## Not reported\n\n```sql\n{rule.good.strip()}\n```",
        f"## Allow it\n\nOn the statement, with a reason: `-- pgassay: allow {rule.id}, REASON`"
        + (f"; or in the table's or column's COMMENT: `pgassay: allow {rule.id}, REASON`" if rule.survey else ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def rule_list(rules: Iterable[Rule]) -> str:
    """The rules, a line each, by family."""
    rules = tuple(rules)
    wide = max((len(rule.id) for rule in rules), default=0)
    lines: list[str] = []
    family = None
    for rule in rules:
        if rule.family != family:
            lines += [*([""] if lines else []), rule.family]
            family = rule.family
        lines.append(f"  {rule.id:<{wide}}  {rule.verdict.value:<10}  {rule.title}")
    return "\n".join(lines) + "\n"


def rule_index(rules: Iterable[Rule]) -> str:
    """The page that links to every rule's page."""
    lines = ["# Rules", ""]
    family = None
    for rule in rules:
        if rule.family != family:
            lines += [*([""] if family else []), f"## {rule.family}", "", "| rule | verdict | |", "| --- | --- | --- |"]
            family = rule.family
        title = rule.title.replace("|", "\\|")
        lines.append(f"| [{rule.id}]({rule.id}.md) | {rule.verdict.value} | {title} |")
    return "\n".join(lines) + "\n"
