"""The whole of ``pgassay migrate plan``: read, plan, try, write, report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pgassay.errors import InputError
from pgassay.report.migrate_plan import PlanDocument
from pgassay.server import find_binaries, scratch
from pgassay.workflows.migrate_plan import PlanOptions, opened, planned
from pgassay.workflows.migrate_plan_files import check_target, write_in_place, write_out
from pgassay.workflows.migrate_plan_report import document

_SMALL = 20_000  # rows a table, up to which the server's data may lie in memory


def plan_project(
    options: PlanOptions, say: Callable[[str], None], *, out: str | None = None, in_place: bool = False
) -> PlanDocument:
    """Plan a project's pending migrations, and write the steps where that is wanted and they lead to the same schema.

    Raises PgassayError for whatever the user can set right.
    """
    project, pending = opened(options)
    check_target(project, out, write_in_place=in_place)
    own = Path(options.postgres_bin) if options.postgres_bin else None
    binaries = find_binaries(options.postgres_version, own)
    say(f"starting PostgreSQL {binaries.version}")
    with scratch(binaries, memory=options.rows <= _SMALL) as server:
        found = planned(server, project, pending, options, say)
    written = None
    if out is not None or in_place:
        if not found.verified:
            left = "; ".join([*map(str, found.changes), *(u.what for u in found.unsafe)][:3])
            raise InputError(f"the plan was not verified, and nothing was written: {left}", path=project.path)
        if not found.plan.steps:
            raise InputError("no step is left to be written", path=project.path)
        say("writing the steps")
        if out is not None:
            written = write_out(found, out, allow_code=options.allow_code)
        else:
            written = write_in_place(found, allow_code=options.allow_code)
    return document(found, server=binaries.version, rows=options.rows, written=written)
