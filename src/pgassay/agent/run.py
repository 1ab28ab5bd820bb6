"""A run: documentation first, then each task with its model, beside each other as far as they do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_ai.models import infer_model

from pgassay.agent.budget import Ledger
from pgassay.agent.desk import Desk
from pgassay.agent.docs import Documentation, Page, needed
from pgassay.agent.expert import Claim, Ended, MakeModel, work
from pgassay.agent.fence import Ask, Fence
from pgassay.agent.handing import handed, merged
from pgassay.agent.proof import How, Proof, Proven
from pgassay.agent.redaction import redact
from pgassay.agent.routing import Decision
from pgassay.agent.state import State
from pgassay.agent.tasks import Task
from pgassay.report.handover import Handoff

Say = Callable[[str], None]
_AT_ONCE = 4
_UNFINISHED = ("budget", "time", "provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a run may do. ``globs``: files that may be written; ``ask`` is asked for everything else."""

    project: Path
    globs: tuple[str, ...] = ()
    ask: Ask = lambda _: False
    how: How = field(default_factory=How)
    docs: Documentation
    budget: int = 400_000
    seconds: float = 1_800.0
    steps: int = 40
    secrets: tuple[str, ...] = ()
    make: MakeModel = infer_model
    say: Say = lambda _: None


async def run(tasks: Sequence[Task], decisions: Mapping[str, Decision], setup: Setup, state: State) -> Handoff:
    """Do the tasks. The state is on disk after every step; what a provider, the budget or the time ended can go on.

    Raises PgassayError where the state cannot be written.
    """
    ledger = Ledger(setup.budget, setup.seconds)
    results: dict[str, Handoff] = {}
    done = {t.id: asyncio.Event() for t in tasks}
    at_once = asyncio.Semaphore(_AT_ONCE)
    state.save()

    async def one(task: Task) -> None:
        for need in task.needs:
            await done[need].wait()
        async with at_once:
            try:
                results[task.id] = await _one(
                    task, decisions[task.id], setup, state, ledger, results, alone=len(tasks) == 1
                )
            finally:
                done[task.id].set()

    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(one(task))
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    if all(s.final for s in state.standings.values()):
        state.forget()
    return merged([(t.id, results[t.id]) for t in tasks])


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _one(
    task: Task,
    decision: Decision,
    setup: Setup,
    state: State,
    ledger: Ledger,
    results: Mapping[str, Handoff],
    *,
    alone: bool,
) -> Handoff:
    earlier = state.ended(task.id)
    if earlier is not None:
        return earlier
    standing = state.standings[task.id]

    def say(words: str) -> None:
        setup.say(words if alone else f"{task.id}: {words}")

    fence = Fence(setup.project, setup.globs, setup.ask, dict(standing.before))
    fence.kept = lambda: state.keep(task.id, fence.before)
    desk = Desk(
        fence=fence, proof=Proof(fence=fence, how=setup.how, say=say),
        docs=setup.docs.apart(),
        secrets=setup.secrets, alone=alone,
    )  # fmt: skip
    waiting = [need for need in task.needs if results[need].task_completion.status != "completed"]
    if waiting:
        why = f"it needs {', '.join(f'{need} ({results[need].task_completion.status})' for need in waiting)}"
        ended = Ended(claim=Claim(status="blocked", outcome=why, blockers=[why]))
        whole = handed(decision, ended, Proven(ran=()), desk)
        state.end(task.id, whole, final=False)
        return whole
    say(f"{decision.model}, because {decision.reason}")
    pages = await desk.docs.first(needed(task.task, _kind(setup)))
    for page in pages:
        say(f"read {page.source} ({page.how})")
    before = standing.tokens
    ended = await work(
        _prompt(task, pages, desk, {need: results[need] for need in task.needs}), decision.models, desk, ledger,
        history=state.messages(task.id), make=setup.make, steps=setup.steps,
        saved=lambda messages: state.step(task.id, messages, fence.before),
    )  # fmt: skip
    standing.tokens = ended.tokens = before + ended.tokens
    standing.before = dict(fence.before)
    proven = await desk.work(desk.proof.prove)
    whole = handed(decision, ended, proven, desk)
    state.end(task.id, whole, final=ended.stop not in _UNFINISHED)
    say(f"{whole.task_completion.status}; {ended.tokens:,} tokens")
    return whole


def _kind(setup: Setup) -> str:
    from pgassay.errors import PgassayError
    from pgassay.sources import open_project

    if setup.how.kind:
        return setup.how.kind
    try:
        return open_project(str(setup.project), allow_code=False).kind
    except PgassayError:
        # An Alembic project tells its kind only to those who may run its code.
        return "alembic" if any(setup.project.glob("**/alembic.ini")) else ""


def _prompt(task: Task, pages: Sequence[Page], desk: Desk, done: Mapping[str, Handoff]) -> str:
    parts = [redact(task.task, desk.secrets)]
    if desk.fence.globs:
        parts.append(f"Files that may be written: {', '.join(desk.fence.globs)}. Others only if somebody agrees.")
    else:
        parts.append("No files may be written unless somebody agrees: what should change goes into the outcome.")
    for id, whole in done.items():
        files = ", ".join(f.path for f in whole.deliverables.files_modified) or "no files"
        parts.append(f"Done before, as {id}: {files}.")
    for page in pages:
        shown = desk.told(page.text, most=20_000) if page.text else {"note": page.how}
        parts.append(f"Documentation {page.source}: {shown}")
    return "\n\n".join(parts)
