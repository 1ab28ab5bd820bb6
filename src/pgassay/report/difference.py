"""The difference of two schemas in; text, SQL or JSON out: pure functions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pgassay import __version__
from pgassay.catalog import Change
from pgassay.catalog.ddl import Difference, Step
from pgassay.migrate import Proof
from pgassay.report.machine import Wire, indented
from pgassay.report.words import count, encodable, one_line, visible


class StepPart(Wire, frozen=True):
    """One statement; ``alone``: it must be committed before the next one runs; ``loses``: what it destroys."""

    sql: str
    alone: bool
    loses: tuple[str, ...]
    objects: tuple[str, ...]


class DecisionPart(Wire, frozen=True):
    """Was ``old`` renamed to one of ``new``, or dropped?"""

    kind: str
    old: str
    new: tuple[str, ...]


class DiffDocument(Wire, frozen=True):
    """``proved``: the statements were run on a scratch server and gave the second schema; ``remaining`` is what they
    did not. ``statements`` is empty while ``decisions_needed`` is not."""

    pgassay: str
    before: str
    after: str
    equal: bool
    proved: bool
    changes: tuple[str, ...]
    statements: tuple[StepPart, ...]
    decisions_needed: tuple[DecisionPart, ...]
    remaining: tuple[str, ...]
    failure: str | None
    unwritten: tuple[str, ...]
    notes: tuple[str, ...]


def diff_json(
    before: str,
    after: str,
    changes: Sequence[Change],
    difference: Difference,
    proof: Proof | None,
    notes: Sequence[str],
) -> str:
    """Indented JSON, with a line end."""
    steps = tuple(
        StepPart(
            sql=encodable(step.sql),
            alone=step.alone,
            loses=tuple(encodable(str(loss)) for loss in step.loses),
            objects=tuple(encodable(str(thing)) for thing in step.objects),
        )
        for step in difference.steps
    )
    asked = tuple(
        DecisionPart(kind=d.kind, old=encodable(d.old), new=tuple(map(encodable, d.new))) for d in difference.decisions
    )
    document = DiffDocument(
        pgassay=__version__,
        before=encodable(_without_password(before)),
        after=encodable(_without_password(after)),
        equal=not changes,
        proved=not changes or (proof is not None and proof.proved),
        changes=tuple(encodable(str(change)) for change in changes),
        statements=steps,
        decisions_needed=asked,
        remaining=tuple(encodable(str(change)) for change in proof.remaining) if proof else (),
        failure=encodable(proof.failure) if proof and proof.failure else None,
        unwritten=tuple(map(encodable, difference.unwritten)),
        notes=tuple(map(encodable, notes)),
    )
    return indented(document)


def diff_sql(difference: Difference, proof: Proof | None) -> str:
    """The statements as a script. What they lose, and what they leave, stands in comments."""
    lines = [_sql(step) for step in difference.steps]
    lines += [f"-- not written: {one_line(what)}\n" for what in difference.unwritten]
    if proof is not None and not proof.proved:
        lines.insert(0, "-- NOT PROVED: on a scratch server these statements did not give the second schema\n")
        lines += [f"-- {line}\n" for line in _left(proof)]
    return "".join(lines)


def _sql(step: Step) -> str:
    said = [f"-- loses: {one_line(str(loss))}\n" for loss in step.loses]
    if step.alone:
        said.append("-- must be committed before what follows\n")
    return "".join(said) + f"{step.sql};\n"


def _left(proof: Proof) -> list[str]:
    failed = [f"refused: {one_line(proof.failure)}"] if proof.failure else []
    return failed + [f"left: {one_line(str(change))}" for change in proof.remaining]


def diff_text(
    changes: Sequence[Change],
    difference: Difference,
    proof: Proof | None,
    notes: Sequence[str],
    *,
    width: int = 100,
) -> str:
    """What differs, the SQL, what it loses, and how sure that is."""
    parts = []
    if not changes:
        parts.append("The schemas are equal.")
    else:
        listed = "\n".join(f"  {visible(str(change))}" for change in changes)
        parts.append(f"{count(len(changes), 'difference')}\n{listed}")
    if difference.decisions:
        parts.append(_questions(difference))
    if difference.steps:
        parts.append("SQL\n" + textwrap.indent(visible(difference.script), "  ").rstrip())
    if difference.loses:
        lost = "\n".join(f"  {visible(str(loss))}" for loss in difference.loses)
        parts.append(f"Warning: this destroys\n{lost}")
    if difference.unwritten:
        parts.append("Not written\n" + "\n".join(f"  {visible(what)}" for what in difference.unwritten))
    if proof is not None:
        if proof.proved:
            parts.append("Proved: run on a scratch server, it gives the second schema.")
        else:
            left = "\n".join(f"  {visible(line)}" for line in _left(proof))
            parts.append(f"Not proved: on a scratch server it does not give the second schema\n{left}")
    parts += ["\n".join(textwrap.wrap(f"Note: {visible(note)}", width, subsequent_indent="  ")) for note in notes]
    return "\n\n".join(parts) + "\n"


def _questions(difference: Difference) -> str:
    lines = ["Renamed, or dropped and added? The SQL waits for an answer:"]
    for asked in difference.decisions:
        answers = [f"--rename {visible(asked.old)}={visible(new)}" for new in asked.new]
        lines.append(f"  {asked.kind} {visible(asked.old)}: {' or '.join([*answers, f'--drop {visible(asked.old)}'])}")
    return "\n".join(lines)


def _without_password(side: str) -> str:
    head, separator, rest = side.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{head}://{login.partition(':')[0]}@{place}" if separator and at else side
