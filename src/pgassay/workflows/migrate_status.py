"""``pgassay migrate status``: how a project stands on a database, and who is at work there."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass, field

from pgassay.migrate.backfill.record import Record, State
from pgassay.migrate.runner import Waiting
from pgassay.migrate.runner.batches import place
from pgassay.migrate.runner.guard import at_work
from pgassay.migrate.runner.record import key
from pgassay.server import StatementError, connect_live
from pgassay.server.targets import parse_target
from pgassay.sources import open_project
from pgassay.workflows.migrate_up import found_waiting
from pgassay.workflows.migrate_up_rehearsal import ODD


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``runner``: who runs migrations there right now, None where nobody does; ``places``: how far a step in batches
    has come, by migration, way and step; ``next``: the command to go on with, None where there is nothing to do."""

    found: Waiting
    target: str
    runner: str | None = None
    places: dict[tuple[str, str, int], State] = field(default_factory=dict)
    next: str | None = None

    @property
    def settled(self) -> bool:
        """There is nothing to do."""
        return not (self.found.pending or self.found.oddities or self.found.half("down"))


def status(path: str, database: str, *, kind: str | None = None, allow_code: bool = False) -> Status:
    """What the database has of a project. Raises PgassayError."""
    project = open_project(path, kind=kind, allow_code=allow_code)
    with connect_live(database) as live:
        found = found_waiting(project, live)
        runner = None
        places: dict[tuple[str, str, int], State] = {}
        with contextlib.suppress(StatementError):  # what a role may not see is left out
            runner = at_work(live)
            for row in (r for s in found.standings.values() for r in s.under_way if r.kind == "batch"):
                state = Record(place(key(found.project), row.migration, row.way, row.number)).glance(live)
                if state is not None:
                    places[row.migration, row.way, row.number] = state
    return Status(
        found=found,
        target=str(parse_target(database)),
        runner=runner,
        places=places,
        next=_next(found, path, runner),
    )


def _next(found: Waiting, path: str, runner: str | None) -> str | None:
    """What to do about how things stand."""
    where = f"{shlex.quote(path)} --database URL"
    edited = next((o for o in found.oddities if o.rule in ODD), None)
    if runner is not None:
        return f"wait for it, then pgassay migrate status {where}"
    if found.half("down"):
        return f"pgassay migrate down {where}"
    if edited is not None:
        return f"set {edited.path} right, then pgassay migrate status {where}"
    return f"pgassay migrate up {where}" if found.pending else None
