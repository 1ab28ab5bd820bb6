"""What a project tells about a task, read as text: no server is started for a decision."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pgassay.agent.routing import Facts, normal, types
from pgassay.model import Finding, Migration
from pgassay.model.actions import AddColumn, CreateTable, TableAction

_ALL = re.compile(r" (migrations?|pending|deploys?|deployed|deployment|releases?|rollout) ")


def project_facts(task: str, path: str, *, kind: str | None = None, allow_code: bool = False) -> Facts:
    """The facts that concern a task: of the migrations, tables and columns that it names, or of all that are pending
    where it speaks of the migrations as such. Raises PgassayError."""
    from pgassay.sources import open_project, pending_default
    from pgassay.workflows.options import ReviewOptions
    from pgassay.workflows.review import review

    project = open_project(path, kind=kind, allow_code=allow_code)
    report = review(path, ReviewOptions(static=True, kind=kind, allow_code=allow_code))
    pending = pending_default(project).pending
    words = normal(task)
    concerned = [f for f in report.findings if _ALL.search(words) or _named(f, words)]
    general = _ALL.search(words) is not None
    columns = frozenset(_columns(project.migrations, words))
    named = [name for name in columns if _says(words, name)]
    return Facts(
        verdicts=frozenset(str(f.verdict) for f in concerned),
        rules=frozenset(f.rule for f in concerned),
        columns=columns,
        named=len(named),
        retyped=len(named) if types(words) else 0,
        tables=len(_tables(pending)) if general else 0,
        statements=sum(len(m.statements) for m in pending) if general else 0,
    )


def _says(words: str, name: str) -> bool:
    spoken = normal(name).strip()
    return bool(spoken) and any(f" {form} " in words for form in (spoken, f"{spoken}s", spoken.removesuffix("s")))


def _named(finding: Finding, words: str) -> bool:
    stem = re.sub(r"\.\w+$", "", finding.path.rsplit("/", 1)[-1])
    return any(_says(words, name) for name in (stem, *finding.subject.split(".")[1:]))


def _columns(migrations: Iterable[Migration], words: str) -> Iterable[str]:
    for action in (a for m in migrations for s in m.statements for a in s.actions):
        if isinstance(action, CreateTable) and _says(words, action.table.name):
            yield from (c.name for c in action.columns)
        elif isinstance(action, AddColumn) and _says(words, action.table.name):
            yield action.column.name


def _tables(migrations: Iterable[Migration]) -> set[str]:
    return {
        str(a.table) for m in migrations for s in m.statements for a in s.actions if isinstance(a, TableAction)
    }  # fmt: skip
