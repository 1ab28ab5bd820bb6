"""Several tasks: a file of them, what waits for what, and the model that each gets."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from pgassay.agent.policy import Policy
from pgassay.agent.routing import Choice, Decision, Facts, parallel, route
from pgassay.errors import InputError

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. ``needs``: ids of those that come first. ``model`` wants a ``reason``."""

    id: str
    task: str
    needs: tuple[str, ...] = ()
    model: str | None = None
    reason: str = ""


def given(texts: Iterable[str]) -> tuple[Task, ...]:
    """Tasks of the command line: nothing waits for anything."""
    return tuple(Task(id=f"task-{number}", task=text) for number, text in enumerate(texts, 1))


def read_tasks(path: Path) -> tuple[Task, ...]:
    """Tasks of a TOML file: ``[[task]]`` with ``task``, ``id``, ``needs``, ``model``, ``reason``. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        raise InputError(f"is no TOML: {error}", path=str(path), line=int(where[1]) if where else None) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", path=str(path)) from None
    tables = document.pop("task", None)
    if document or not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise InputError("holds tasks and nothing else: write [[task]] above each", path=str(path))
    heads = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*task\s*\]\]", line)]

    def wrong(problem: str, nth: int) -> InputError:
        return InputError(problem, path=str(path), line=heads[nth] if nth < len(heads) else None)

    made: list[Task] = []
    for nth, table in enumerate(tables):
        unknown = sorted(set(table) - {f.name for f in fields(Task)})
        if unknown:
            raise wrong(f"no setting {unknown[0]!r} in a task", nth)
        table.setdefault("id", f"task-{nth + 1}")
        needs = table.pop("needs", [])
        if not isinstance(needs, list) or not all(isinstance(word, str) for word in (*needs, *table.values())):
            raise wrong("a task's settings are texts, and needs is a list of ids", nth)
        if not table.get("task", "").strip():
            raise wrong("this task has no text: task = …", nth)
        if not _ID.fullmatch(table["id"]):
            raise wrong(f"{table['id']!r} is no id: letters, digits, dot and hyphen", nth)
        if table["id"] in {t.id for t in made}:
            raise wrong(f"{table['id']!r} is the id of two tasks", nth)
        if table.get("model") and not table.get("reason", "").strip():
            raise wrong("model wants a reason beside it", nth)
        made.append(Task(needs=tuple(needs), **table))
    known = {t.id for t in made}
    for nth, task in enumerate(made):
        for need in task.needs:
            if need not in known:
                raise wrong(f"it needs {need!r}, and there is no such task", nth)
    ring = circle(made)
    if ring:
        nth = next(n for n, t in enumerate(made) if t.id == ring[0])
        raise wrong(f"tasks that wait for each other: {' → '.join(ring)}", nth)
    return tuple(made)


def circle(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Ids of tasks that wait for each other, if there are any."""
    left = {t.id: set(t.needs) for t in tasks}
    while free := {name for name, needs in left.items() if not needs & set(left)}:
        left = {name: needs for name, needs in left.items() if name not in free}
    if not left:
        return ()
    path = [next(iter(left))]
    while True:
        following = next(need for need in left[path[-1]] if need in left)
        if following in path:
            return (*path[path.index(following) :], following)
        path.append(following)


def blocked_by(tasks: Sequence[Task], id: str) -> int:
    """How many tasks wait for this one, through others or not."""
    waiting: set[str] = set()
    found = {id}
    while found:
        found = {t.id for t in tasks if found & set(t.needs)} - waiting
        waiting |= found
    return len(waiting - {id})


def assign(
    tasks: Sequence[Task], facts: Callable[[str], Facts], policy: Policy, choice: Choice | None = None
) -> dict[str, Decision]:
    """The decision of each task, by id: of one alone, or of several that run beside each other."""
    decisions = {}
    for task in tasks:
        own = Choice(model=task.model, reason=task.reason) if task.model else choice
        decision = route(task.task, facts(task.task), policy, own)
        if len(tasks) > 1:
            decision = parallel(decision, blocks=blocked_by(tasks, task.id), policy=policy)
        decisions[task.id] = decision
    return decisions
