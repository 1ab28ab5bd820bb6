"""What ``pgassay migrate`` says: before a run, after it, and of how things stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgassay.migrate.backfill.record import State
    from pgassay.migrate.runner import Course, Outlook, Ran, Step, Waiting
    from pgassay.model import Finding

_KINDS = {"transaction": "one transaction", "alone": "by itself", "batch": "in batches"}
_WIDTH = 100


def outlook_text(outlook: Outlook) -> str:
    """The plan: steps, transactions, the strongest lock of each, rows at stake, findings, and how to be safe."""
    plan = outlook.plan
    lines = [f"{plan.project.runner.name} project {plan.project.path}, {outlook.target}", f"{outlook.why}."]
    if not plan.courses:
        return "\n".join([*lines, *_odd(outlook), "Nothing to do.", ""])
    for course in plan.courses:
        lines += ["", *_course(outlook, course)]
    if outlook.rows:
        lines += ["", "Tables concerned (rows by the last ANALYZE):"]
        lines += [f"  {table}: {'never counted' if n is None else f'{n:,}'}" for table, n in outlook.rows.items()]
    for title, findings in (("Refused:", outlook.refused), ("Allowed:", outlook.allowed), ("Also:", outlook.others)):
        lines += ["", title, *map(_finding, findings)] if findings else []
    lines += ["", *(f"note: {note}" for note in outlook.notes)] if outlook.notes else []
    if not outlook.refused:
        lines += ["", _backup(outlook)]
    return "\n".join([*lines, ""])


def _course(outlook: Outlook, course: Course) -> Iterable[str]:
    migration = course.migration
    standing = outlook.standings.get(migration.name)
    half = standing is not None and standing.way == course.way and not standing.whole
    done = standing.done if half and standing is not None else ()
    resumed = f"; {len(done)} done already" if done else ""
    back = "back: " if course.way == "down" else ""
    number = len(course.steps)
    yield f"{back}{migration.name} ({number} {'step' if number == 1 else 'steps'}{resumed})"
    for step in course.steps:
        over = " · done" if step.number in done else ""
        what = f"{_KINDS[step.kind]}{_batches(outlook, course, step)}{_lock(outlook, course, step)}"
        yield f"  {step.number}. {what}{over}"
        for statement in step.statements:
            text = " ".join(statement.text.split())
            yield f"       {text if len(text) <= _WIDTH else text[: _WIDTH - 1] + '…'}"


def _batches(outlook: Outlook, course: Course, step: Step) -> str:
    found = outlook.batches.get((course.migration.name, step.number))
    if found is None:
        return ""
    trigger = "; new rows by a trigger" if found.new_rows == "trigger" else ""
    if not found.key:
        return f" of {found.table}, which this run makes{trigger}"
    return f" by {', '.join(found.key)} of {found.table}, about {found.rows or 0:,} rows{trigger}"


def _lock(outlook: Outlook, course: Course, step: Step) -> str:
    lock = outlook.locks.get((course.migration.name, step.number))
    if lock is None:
        return ""
    held = f", for about {lock.seconds:.1f} s" if lock.seconds is not None and lock.seconds >= 0.05 else ""
    return f" · {lock.mode} on {lock.table}{held}"


def _finding(finding: Finding) -> str:
    return f"  {finding.path}:{finding.line}: {finding.rule} ({finding.verdict}): {finding.message}"


def _odd(outlook: Outlook) -> list[str]:
    return [f"  {o.rule}: {o.message}" for o in outlook.odd]


def _backup(outlook: Outlook) -> str:
    tables = " ".join(f"--table={table}" for table in outlook.rows)
    words = f"pg_dump {tables + ' ' if tables else ''}--format=custom --file=before.dump URL"
    return f"A backup first, if there is none: {words}"


def ran_text(ran: Ran, way: str) -> str:
    """What a run did."""
    number = len(ran.migrations)
    files = f"{number} {'migration' if number == 1 else 'migrations'} {'applied' if way == 'up' else 'taken back'}"
    steps = f"{ran.steps} {'step' if ran.steps == 1 else 'steps'}"
    resumed = f", {ran.found_done} done before" if ran.found_done else ""
    again = f", {ran.retries} {'retry' if ran.retries == 1 else 'retries'}" if ran.retries else ""
    lines = [f"{files} ({steps}{resumed}{again}): {', '.join(ran.migrations)}"] if number else ["Nothing to do."]
    lines += [
        f"{t.migration}, step {t.number}: {t.batch.application}"
        for t in ran.traces
        if t.batch is not None and t.batch.application.p99 is not None
    ]
    longest = max(ran.traces, key=lambda t: t.stall, default=None)
    if longest is not None and longest.stall > 0:
        lines.append(
            f"the longest that anybody was seen waiting: {longest.stall:.2f} s, behind {longest.migration},"
            f" step {longest.number}"
        )
    return "\n".join([*lines, *(f"note: {note}" for note in ran.notes), ""])


def status_text(
    found: Waiting,
    next_command: str | None,
    *,
    at_work: str | None = None,
    places: Mapping[tuple[str, str, int], State] | None = None,
) -> str:
    """Each migration with how it stands, who is at work, and the next command."""
    edited = {o.migration for o in found.oddities if o.rule == "edited-migration"}
    skipped = {o.migration for o in found.oddities if o.rule == "silently-skipped-migration"}
    deployed, pending = {m.name for m in found.deployed}, {m.name for m in found.pending}
    lines = []
    for migration in found.project.migrations:
        name = migration.name
        word = "applied" if name in deployed else "pending" if name in pending else "skipped"
        words = [
            *(["edited since"] if name in edited else []),
            *(["skipped"] if name in skipped and word != "skipped" else []),
        ]
        words += _standing(found, name, word, at_work is not None, places or {})
        lines.append(f"{word:8}  {name}" + (f"  ({'; '.join(words)})" if words else ""))
    unknown = sorted(set(found.standings) - {m.name for m in found.project.migrations})
    lines += [f"{'gone':8}  {name}  (recorded in the database, and in no file)" for name in unknown]
    oddities = [f"\n{o.message}" for o in found.oddities]
    running = [f"\nA runner is at work: {at_work}"] if at_work is not None else []
    return "\n".join([f"{found.why}.", *lines, *oddities, *running, "", f"Next: {next_command or 'nothing to do'}", ""])


def _standing(
    found: Waiting, name: str, word: str, running: bool, places: Mapping[tuple[str, str, int], State]
) -> Sequence[str]:
    standing = found.standings.get(name)
    if standing is None or standing.whole or (standing.way == "up") != (word == "pending"):
        return ()
    way = "back" if standing.way == "down" else "forth"
    said = [f"half-applied: {len(standing.done)} of {standing.steps} steps {way}"] if standing.done else []
    for row in standing.under_way:
        began = "is under way" if running else "was cut off"
        said.append(f"step {row.number} {began if row.state == 'started' else f'failed: {row.error}'}")
        if (row.migration, row.way, row.number) in places:
            place = places[row.migration, row.way, row.number]
            said.append(
                f"{place.changed:,} rows changed, about {place.seen:,} gone through{', paused' if place.paused else ''}"
            )
        blockers = (row.detail.get("run") or {}).get("blockers") or ()
        if blockers and row.state == "failed":
            said.append(f"it was blocked by {blockers[0]}")
    return said
