"""What was planned, as the document that is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgassay import __version__
from pgassay.report.migrate_plan import LockPart, PlanDocument, StepPart, UnsafePart
from pgassay.report.words import encodable
from pgassay.workflows.migrate_plan import Planned
from pgassay.workflows.migrate_plan_files import Written
from pgassay.workflows.migrate_plan_trial import Hold


def document(found: Planned, *, server: str, rows: int, written: Written | None = None) -> PlanDocument:
    """The document of a plan, and of the files that hold it."""
    files = written.of_step if written else {}
    by_hand = written.by_hand if written else {}
    return PlanDocument(
        pgassay=__version__,
        project=encodable(found.project.path),
        runner=found.project.runner.name,
        server=server,
        pending=tuple(encodable(m.path) for m in found.pending.pending),
        why_pending=found.pending.why,
        steps=tuple(_steps(found, files, by_hand)),
        deploy_after=found.plan.deploy,
        verified=found.verified,
        safe=found.safe,
        differences=(
            *(encodable(str(change)) for change in found.changes),
            *(f"values of {encodable(column)} differ" for column in found.rows),
        ),
        unsafe=tuple(
            UnsafePart(
                what=encodable(u.what),
                step=None if u.step is None else u.step + 1,
                source=encodable(f"{u.path}:{u.line}") if u.path else "",
                table=str(u.table) if u.table else None,
                lock=u.lock,
                ms=None if u.ms is None else round(u.ms, 1),
                rows=u.rows,
            )
            for u in found.unsafe
        ),
        before=_locks(found.before.values()),
        after=_locks(found.after.values()),
        rows=rows,
        probes_old=found.probes[0],
        probes_new=found.probes[1],
        files=tuple(map(encodable, written.files)) if written else (),
        notes=tuple(map(encodable, (*found.notes, *(written.notes if written else ())))),
    )


def _steps(found: Planned, files: Mapping[int, str], by_hand: Mapping[int, str]) -> Sequence[StepPart]:
    made = []
    for number, (step, ran) in enumerate(zip(found.plan.steps, found.trial.ran, strict=True)):
        hold = max(ran.holds, key=lambda h: (h.blocks, h.ms), default=None)
        made.append(
            StepPart(
                phase=step.phase,
                name=encodable(step.name),
                sql=tuple(map(encodable, step.sql)),
                transaction=step.mode,
                lock=hold.mode if hold else None,
                table=str(hold.table) if hold else None,
                hold_ms=round(hold.ms, 2) if hold else None,
                why=encodable(step.why),
                source=encodable(f"{step.path}:{step.line}"),
                file=files.get(number),
                by_hand=by_hand.get(number),
            )
        )
    return made


def _locks(holds: object) -> tuple[LockPart, ...]:
    assert hasattr(holds, "__iter__")
    kept = [h for h in holds if isinstance(h, Hold)]
    return tuple(
        LockPart(table=str(h.table), lock=h.mode, hold_ms=round(h.ms, 2)) for h in sorted(kept, key=lambda h: h.table)
    )
