"""What ``pgassay migrate status`` says as JSON. The wire format is these classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pgassay import __version__
from pgassay.report.machine import Wire, indented
from pgassay.report.words import encodable

if TYPE_CHECKING:
    from pgassay.migrate.backfill.record import State
    from pgassay.migrate.runner import Recorded, Waiting
    from pgassay.model import Migration, Oddity


class PlacePart(Wire, frozen=True):
    """How far a step in batches has come: rows of its table gone through and changed, and the last key that is done."""

    batches: int
    seen: int
    changed: int
    position: tuple[str, ...] | None
    paused: bool


class RecordedPart(Wire, frozen=True):
    """A step of which the database's record knows. ``state``: ``started`` (under way, or cut off), ``done`` or
    ``failed``. ``retries``, ``longest_stall_s`` and ``blocked_by`` of the run in which it ended."""

    number: int
    way: Literal["up", "down"]
    kind: str
    state: Literal["started", "done", "failed"]
    statement: str
    error: str | None
    began: str
    ended: str | None
    retries: int
    paused_s: float
    longest_stall_s: float
    blocked_by: tuple[str, ...]
    place: PlacePart | None


class StandingPart(Wire, frozen=True):
    """One migration. ``status``: ``applied``, ``pending``, ``skipped`` (by the project's own tool) or ``gone``
    (recorded, and in no file). ``half``: it is half done, ``up`` or ``down``. ``edited``: since it was applied.
    ``steps`` of which our record knows; ``of``: how many there were when it was run."""

    name: str
    path: str | None
    status: Literal["applied", "pending", "skipped", "gone"]
    half: Literal["up", "down"] | None
    edited: bool
    skipped: bool
    of: int | None
    steps: tuple[RecordedPart, ...]


class OddityPart(Wire, frozen=True):
    """What is wrong with the project on this database."""

    rule: str
    path: str
    line: int
    migration: str | None
    message: str


class StatusDocument(Wire, frozen=True):
    """How a project stands on a database. ``at_work``: who runs migrations there right now. ``next``: the command to go
    on with; null: there is nothing to do."""

    pgassay: str
    project: str
    runner: str
    target: str
    why: str
    migrations: tuple[StandingPart, ...]
    oddities: tuple[OddityPart, ...]
    at_work: str | None
    next: str | None


def status_json(
    found: Waiting,
    *,
    target: str,
    at_work: str | None,
    places: Mapping[tuple[str, str, int], State],
    next: str | None,
) -> str:
    """Indented JSON, with a line end."""
    names = {m.name for m in found.project.migrations}
    parts = [_standing(found, m.name, m, places) for m in found.project.migrations]
    parts += [_standing(found, name, None, places) for name in sorted(set(found.standings) - names)]
    return indented(
        StatusDocument(
            pgassay=__version__,
            project=encodable(found.project.path),
            runner=encodable(found.project.runner.name),
            target=encodable(target),
            why=encodable(found.why),
            migrations=tuple(parts),
            oddities=tuple(map(_oddity, found.oddities)),
            at_work=None if at_work is None else encodable(at_work),
            next=next,
        )
    )


def _standing(
    found: Waiting, name: str, migration: Migration | None, places: Mapping[tuple[str, str, int], State]
) -> StandingPart:
    deployed, pending = {m.name for m in found.deployed}, {m.name for m in found.pending}
    standing = found.standings.get(name)
    rules = {o.rule for o in found.oddities if o.migration == name}
    status: Literal["applied", "pending", "skipped", "gone"] = "skipped"
    if migration is None:
        status = "gone"
    elif name in deployed or name in pending:
        status = "applied" if name in deployed else "pending"
    half = standing is not None and not standing.whole and (bool(standing.done) or bool(standing.under_way))
    return StandingPart(
        name=encodable(name),
        path=None if migration is None else encodable(migration.path),
        status=status,
        half=("down" if standing.way == "down" else "up") if standing is not None and half else None,
        edited="edited-migration" in rules,
        skipped="silently-skipped-migration" in rules,
        of=standing.steps if standing else None,
        steps=tuple(_recorded(r, places) for r in found.rows if r.migration == name),
    )


def _recorded(row: Recorded, places: Mapping[tuple[str, str, int], State]) -> RecordedPart:
    run: dict[str, Any] = row.detail.get("run") or {}
    place = places.get((row.migration, row.way, row.number))
    return RecordedPart(
        number=row.number,
        way=row.way,
        kind=row.kind,
        state=row.state,
        statement=encodable(row.statement),
        error=None if row.error is None else encodable(row.error),
        began=row.began,
        ended=row.ended,
        retries=int(run.get("retries", 0)),
        paused_s=float(run.get("paused", 0.0)),
        longest_stall_s=float(run.get("stall", 0.0)),
        blocked_by=tuple(encodable(str(b)) for b in run.get("blockers", ())),
        place=None
        if place is None
        else PlacePart(
            batches=place.batches,
            seen=place.seen,
            changed=place.changed,
            position=None if place.position is None else tuple(map(encodable, place.position)),
            paused=place.paused,
        ),
    )


def _oddity(oddity: Oddity) -> OddityPart:
    return OddityPart(
        rule=oddity.rule,
        path=encodable(oddity.path),
        line=oddity.line,
        migration=None if oddity.migration is None else encodable(oddity.migration),
        message=encodable(oddity.message),
    )
