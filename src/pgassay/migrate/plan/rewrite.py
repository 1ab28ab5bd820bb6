"""From the statements of pending migrations, and what was seen of each, to a plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pgassay.migrate.plan import columns, constraints, indexes, naming, partitions, rows, switching
from pgassay.migrate.plan.following import missed
from pgassay.migrate.plan.model import Plan, PlanStep, Rewritten, Scene, Seen
from pgassay.model import Name, quote
from pgassay.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterType,
    AttachPartition,
    CreateIndex,
    CreateRoutine,
    CreateTable,
    CreateType,
    CreateView,
    DetachPartition,
    Drop,
    DropColumn,
    LockTable,
    Maintain,
    MoveSchema,
    Reindex,
    Rename,
    RenameEnumValue,
    SetNotNull,
    Setting,
)
from pgassay.sql.reshape import mentions

_LAST = {"table", "view", "materialized view", "function", "procedure", "routine", "aggregate", "type", "domain",
         "sequence", "schema", "extension", "foreign table"}  # fmt: skip


def plan(
    statements: Sequence[Seen],
    *,
    major: int,
    neutral: Callable[[str, tuple[str, ...]], str],
    bounds: Mapping[Name, str] | None = None,
    fills: Mapping[tuple[Name, str], str] | None = None,
    unsliced: Mapping[int, str] | None = None,
    in_place: Collection[int] = (),
    untouched: Collection[str] = (),
) -> Plan:
    """The safe steps that lead where the statements lead.

    ``major``: the server's version. ``unsliced``: why statements on rows cannot be run in batches, by their numbers.
    ``in_place``: numbers of statements that are neither rewritten nor put off, since that was tried and failed;
    ``untouched``: files whose statements all stay as they are.
    """
    found: list[Rewritten] = []
    fresh: set[Name] = set()
    waiting: list[frozenset[str]] = []  # what later statements must not meet before the contract
    kept: dict[int, str] = {}
    for number, seen in enumerate(statements):
        scene = Scene(
            number=number, seen=seen, later=tuple(statements[number + 1 :]), earlier=tuple(statements[:number]),
            major=major, fresh=frozenset(fresh), bounds=bounds or {}, fills=fills or {},
            unsliced=unsliced or {}, neutral=neutral,
        )  # fmt: skip
        if number in in_place or seen.statement.path in untouched:
            step = scene.as_written(why="as it was written", phase="switch")
            whole = seen.statement.path in untouched
            made = Rewritten(steps=[replace(step, apart=step.apart and not whole)])
            if whole:
                made.notes.append(f"{seen.statement.path} sets search_path: its statements stay as they are")
        else:
            made = _rewritten(scene)
            if made.kept is None and len(made.steps) == 1:
                made.kept = missed(scene)
            if _waits(scene, waiting):
                made.steps = [replace(s, phase="contract") for s in made.steps]
        made.notes += _zones(scene)
        waiting += [words for words in _put_off(scene, made) if words]
        if made.kept is not None:
            kept[number] = made.kept
        found.append(made)
        fresh |= {a.table.within("public") for a in seen.statement.of(CreateTable)}
    steps = [step for made in found for step in made.steps]
    early = _merged(_together(s for s in steps if s.phase != "contract"))
    late = [s for s in steps if s.phase == "contract"]
    return Plan(
        steps=(*early, *late),
        twins=tuple(t for made in found for t in made.twins),
        choices=tuple(c for made in found for c in made.choices),
        kept=kept,
        made_up=frozenset(m for made in found for m in made.made_up),
        notes=tuple(dict.fromkeys(note for made in found for note in made.notes)),
    )


def _rewritten(scene: Scene) -> Rewritten:
    observed = scene.seen.observed
    if observed.failure is not None and observed.failure.cause == "always":
        return Rewritten(kept=f"it fails: {observed.failure}")
    if observed.skipped:
        return Rewritten(steps=[scene.as_written(why="it could not be tried")], kept=observed.skipped)
    actions = scene.seen.statement.actions
    made = _known(scene, actions[0]) if len(actions) == 1 else None
    if made is not None:
        return made
    if scene.breaks and not any(isinstance(a, AddColumn) for a in actions):
        why = "statements of the old application stop working with it: it waits until that is gone"
        return Rewritten(steps=[scene.as_written(why=why, phase="contract")])
    why = "it works on rows under a lock, and there is no other way" if scene.works else "nothing waits for it"
    return Rewritten(steps=[scene.as_written(why=why)], kept=why if scene.works else None)


def _zones(scene: Scene) -> Iterator[str]:
    """Times that get or lose their zone by the session's own."""
    for action in scene.seen.statement.of(AlterType):
        tables = scene.table(action.table), scene.after(action.table)
        columns = [table.column(action.column) for table in tables if table]
        types = {column.base for column in columns if column}
        both = types == {"timestamp without time zone", "timestamp with time zone"}
        if both and " AT TIME ZONE " not in " ".join(scene.text.upper().split()):
            yield (
                f"{action.table}.{action.column}: its times are taken as the TimeZone of the session that runs this,"
                " UTC on the scratch server; under any other the table is rewritten under its lock"
            )


def _known(scene: Scene, action: Action) -> Rewritten | None:
    match action:
        case CreateIndex():
            return indexes.created(scene, action)
        case Drop(kind="index"):
            return indexes.dropped(scene, action)
        case Reindex():
            return indexes.rebuilt(scene, action)
        case AddConstraint():
            return constraints.added(scene, action)
        case SetNotNull():
            return _repeated(scene, action, constraints.not_null(scene, action))
        case AddColumn():
            return columns.added_column(scene, action)
        case AlterType():
            return switching.retyped(scene, action)
        case Rename(kind="column"):
            return switching.renamed_column(scene, action)
        case Rename(kind="type" | "domain"):
            return naming.renamed_type(scene, action)
        case Rename() | MoveSchema():
            old = action.old if isinstance(action, Rename) else action.name
            taken = any(_makes(seen, old) for seen in scene.later)
            return None if taken else naming.moved(scene, action)
        case AttachPartition():
            return partitions.attached(scene, action)
        case DetachPartition():
            return partitions.detached(scene, action)
        case AddEnumValue():
            step = scene.as_written(why="PostgreSQL wants a new value committed before anything uses it")
            return Rewritten(steps=[replace(step, apart=True)])
        case RenameEnumValue():
            why = "a label cannot have two names: the old application fails from here on, the new one until here"
            return Rewritten(steps=[scene.as_written(why=why, phase="switch")], kept=why)
        case DropColumn():
            return _dropped_column(scene, action)
        case Drop(kind=kind) if kind in _LAST:
            return _dropped(scene, action)
        case LockTable():
            return Rewritten(notes=["LOCK TABLE is left out: each step is a transaction of its own"])
        case Setting(name=name) if name != "role":
            return Rewritten(notes=[f"SET {name} is left out: each step is a transaction of its own"])
        case Maintain(kind="refresh"):
            return rows.refreshed(scene, action)
    return rows.changed(scene, action)


def _dropped_column(scene: Scene, action: DropColumn) -> Rewritten | None:
    table = scene.table(action.table)
    column = table.column(action.column) if table else None
    if table is None or column is None or not scene.stands(action.table):
        return None
    steps = []
    key = table.primary_key
    if column.required and not column.type_not_null and not (key and column.name in key.columns):
        loosen = f"ALTER TABLE {table.name} ALTER COLUMN {quote(column.name)} DROP NOT NULL"
        steps.append(
            scene.step(
                f"loosen {table.name.name} {column.name}", loosen, locks=(table.name,),
                back=(loosen.replace("DROP NOT NULL", "SET NOT NULL"),),
                why=f"the new application writes rows without {column.name} while it is still there",
            )
        )  # fmt: skip
    steps.append(
        scene.step(
            f"drop {table.name.name} {column.name}", scene.text, phase="contract", locks=(table.name,),
            why=f"the old application reads and writes {column.name} until it is gone",
        )
    )  # fmt: skip
    return Rewritten(steps=steps)


def _dropped(scene: Scene, action: Drop) -> Rewritten | None:
    fresh = all(name.within("public") in scene.fresh for name in action.names)
    if fresh or any(_makes(seen, name) for seen in scene.later for name in action.names):
        return None
    what = ", ".join(map(str, action.names))
    return Rewritten(
        steps=[
            scene.step(
                f"drop {action.names[0].name}", scene.text, phase="contract",
                locks=action.names if action.kind == "table" else (),
                why=f"the old application uses {what} until it is gone",
            )
        ]
    )  # fmt: skip


def _makes(seen: Seen, name: Name) -> bool:
    """Whether a statement makes something of this name anew."""
    full = name.within("public")
    for action in seen.statement.actions:
        match action:
            case CreateTable(table=made) | CreateView(name=made) | CreateRoutine(name=made) | CreateType(name=made):
                if made.within("public") == full:
                    return True
            case Rename(kind=kind, old=old, new=new) if kind != "column" and old.within("public").named(new) == full:
                return True
    return False


def _repeated(scene: Scene, action: SetNotNull, made: Rewritten | None) -> Rewritten | None:
    """Where NOT NULL waits for the old application's end, so does a second filling of what that left NULL."""
    if made is None or not made.steps:
        return made
    phase = made.steps[0].phase
    step = rows.filling(scene, action)
    if step is not None and phase == "contract":
        made.steps.insert(0, step)
    failure = scene.seen.observed.failure
    if step is None and failure is not None and failure.sqlstate == "23502":
        rows.chosen(scene, action, made, phase)
    return made


# What has to wait for what


def _put_off(scene: Scene, made: Rewritten) -> Iterable[frozenset[str]]:
    """Names that mean something else until the contract: a statement with all words of a set must wait."""
    if not any(step.phase == "contract" for step in made.steps):
        return
    for action in scene.seen.statement.actions:
        match action:
            case Rename(kind="column", within=Name(name=table), old=Name(name=old), new=new):
                yield frozenset((table, old))
                yield frozenset((table, new))
            case DropColumn(table=Name(name=table), column=column):
                yield frozenset((table, column))
            case Drop(names=names) if action.kind != "index":
                for name in names:
                    yield frozenset((name.name,))


def _waits(scene: Scene, waiting: Sequence[frozenset[str]]) -> bool:
    if not waiting:
        return False
    words = mentions(scene.text)
    return any(each <= words for each in waiting)


def _together(steps: Iterable[PlanStep]) -> Iterator[PlanStep]:
    """What nothing waits for, beside statements of its file that stay as they were written: in one transaction with
    them, as it was, where one table is locked at most. The application must not meet what lies between them: a column
    without its default, a sequence before its ``setval``."""

    def alike(step: PlanStep) -> tuple[object, ...]:
        plain = step.why in ("nothing waits for it", "as it was written")
        return (step.path,) if plain and step.mode == "transaction" and not step.apart else (step.path, id(step))

    for _, group in itertools.groupby(steps, key=alike):
        run = list(group)
        kept = any(step.why == "as it was written" for step in run)
        if kept and len(frozenset().union(*(step.locks for step in run))) <= 1:
            run = [replace(step, why="as it was written", phase="switch") for step in run]
        yield from run


def _merged(steps: Iterable[PlanStep]) -> list[PlanStep]:
    """Neighbours that can share a transaction: of one file and phase, as written, and no two tables locked."""
    made: list[PlanStep] = []
    for step in steps:
        last = made[-1] if made else None
        if (
            last is not None
            and not (last.apart or step.apart)
            and last.mode == step.mode == "transaction"
            and (last.path, last.phase, last.why) == (step.path, step.phase, step.why)
            and step.why in ("nothing waits for it", "as it was written")
            and (len(last.locks | step.locks) <= 1 or step.why == "as it was written")
        ):
            name = last.name if len(last.name) > 40 or last.name.endswith(" …") else f"{last.name} …"
            made[-1] = replace(last, sql=(*last.sql, *step.sql), locks=last.locks | step.locks, name=name)
        else:
            made.append(step)
    return made
