"""Constraints: first for new rows alone, then checked while writes go on (manual, ALTER TABLE, "NOT VALID")."""

from __future__ import annotations

from collections.abc import Sequence

from pgassay.migrate.plan.model import Phase, PlanStep, Rewritten, Scene
from pgassay.model import Name, quote
from pgassay.model.actions import AddConstraint, SetNotNull
from pgassay.sql.reshape import as_unique_index, constraint


def added(scene: Scene, action: AddConstraint, phase: Phase = "expand") -> Rewritten | None:
    """ADD CONSTRAINT on a table that stood before."""
    table, made = scene.table(action.table), scene.after(action.table)
    rule = action.constraint
    if table is None or made is None or not scene.stands(action.table) or rule.using_index:
        return None
    known = {c.name for c in table.constraints}
    new = next((c for c in made.constraints if c.name not in known and c.kind == rule.kind), None)
    name = new.name if new else rule.name
    if name is None:
        return None
    if rule.kind in ("foreign key", "check"):
        if not rule.validated or (rule.kind == "foreign key" and _partitioned_key(scene, action)):
            return None
        locks = tuple(n for n in (action.table, rule.references) if n)
        return Rewritten(steps=validated(scene, constraint(scene.text, name=name, validated=False), name,
                                         table.name, locks, phase))  # fmt: skip
    if rule.kind not in ("unique", "primary key"):
        return None
    if table.kind == "partitioned table":
        return _on_partitions(scene, action, name, phase)
    index, use = as_unique_index(scene.text, name=name, table=action.table)
    steps = [
        scene.step(
            f"build {name}", index, mode="alone", phase=phase,
            back=(f"DROP INDEX CONCURRENTLY IF EXISTS {table.name.named(name)}",),
            why=f"the constraint would build its index while {table.name} stands still",
        )
    ]  # fmt: skip
    if rule.kind == "primary key":
        keys = (*rule.columns,)
        loose = [c.name for c in table.columns if c.name in keys and not c.not_null]
        for column in loose:
            steps += required(scene, table.name, column, phase)
    steps.append(
        scene.step(
            f"add {name}", use, phase=phase, locks=(table.name,),
            back=(f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {quote(name)}",),
            why="it takes the finished index: no row is read",
        )
    )  # fmt: skip
    return Rewritten(steps=steps)


def _on_partitions(scene: Scene, action: AddConstraint, name: str, phase: Phase) -> Rewritten | None:
    """A key of a partitioned table: first those of its partitions, which it then takes."""
    parent = scene.table(action.table)
    assert parent is not None
    keys = action.constraint.columns
    steps: list[PlanStep] = []
    if action.constraint.kind == "primary key":
        for column in (c.name for c in parent.columns if c.name in keys and not c.not_null):
            if scene.major < 18:
                return None
            steps += required(scene, parent.name, column, phase)
    for part in scene.seen.after.tables:
        if part.partition_of != parent.name:
            continue
        own = next((i for i in part.indexes if i.partition_of == parent.name.named(name)), None)
        standing = scene.table(part.name)
        if part.kind != "table" or own is None or own.constraint is None or standing is None:
            return None
        if any(i.name == own.name for i in standing.indexes):
            continue
        text = constraint(scene.text, name=own.constraint, table=part.name)
        index, use = as_unique_index(text, name=own.constraint, table=part.name)
        steps += [
            scene.step(
                f"build {own.name}", index, mode="alone", phase=phase,
                back=(f"DROP INDEX CONCURRENTLY IF EXISTS {part.name.named(own.name)}",),
                why=f"the key of {parent.name} would build one for each partition while all stand still",
            ),
            scene.step(
                f"add {own.constraint}", use, phase=phase, locks=(part.name,),
                back=(f"ALTER TABLE {part.name} DROP CONSTRAINT IF EXISTS {quote(own.constraint)}",),
                why="it takes the finished index: no row is read",
            ),
        ]  # fmt: skip
    steps.append(
        scene.step(
            f"add {name}", constraint(scene.text, name=name), phase=phase, locks=(parent.name,),
            back=(f"ALTER TABLE {parent.name} DROP CONSTRAINT IF EXISTS {quote(name)}",),
            why="it finds the key of each partition there, and takes it: no row is read",
        )
    )  # fmt: skip
    return Rewritten(steps=steps)


def validated(
    scene: Scene, add: str, name: str, table: Name, locks: Sequence[Name], phase: Phase = "expand"
) -> list[PlanStep]:
    """A constraint NOT VALID, and its validation."""
    return [
        scene.step(
            f"add {name}", add, phase=phase, locks=tuple(locks),
            back=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quote(name)}",),
            why=f"NOT VALID: it holds for new rows of {table} at once, and the old ones are not read under the lock",
        ),
        scene.step(
            f"validate {name}", f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)}", phase=phase, back=(),
            why="reads the rows under a lock that lets reads and writes pass",
        ),
    ]  # fmt: skip


def not_null(scene: Scene, action: SetNotNull) -> Rewritten | None:
    """SET NOT NULL on a table that stood before."""
    table = scene.table(action.table)
    column = table.column(action.column) if table else None
    if table is None or column is None or column.not_null or not scene.stands(action.table):
        return None
    if table.kind == "partitioned table" and scene.major < 18:
        return None
    phase: Phase = "contract" if scene.breaks else "expand"
    steps = required(scene, table.name, action.column, phase)
    return Rewritten(steps=steps)


def required(scene: Scene, table: Name, column: str, phase: Phase = "expand") -> list[PlanStep]:
    """NOT NULL without reading the table under a lock: from PostgreSQL 18 on by NOT VALID, before by a CHECK."""
    if scene.major >= 18:
        name = f"{table.name}_{column}_not_null"[:63]
        add = f"ALTER TABLE {table} ADD CONSTRAINT {quote(name)} NOT NULL {quote(column)} NOT VALID"
        return validated(scene, add, name, table, (table,), phase)
    name = f"{table.name}_{column}_required"[:63]
    add = f"ALTER TABLE {table} ADD CONSTRAINT {quote(name)} CHECK ({quote(column)} IS NOT NULL) NOT VALID"
    return [
        *validated(scene, add, name, table, (table,), phase),
        scene.step(
            f"require {table.name} {column}",
            f"ALTER TABLE {table} ALTER COLUMN {quote(column)} SET NOT NULL",
            f"ALTER TABLE {table} DROP CONSTRAINT {quote(name)}",
            phase=phase, locks=(table,), back=(f"ALTER TABLE {table} ALTER COLUMN {quote(column)} DROP NOT NULL",),
            why="the validated CHECK stands for the rows: none is read",
        ),
    ]  # fmt: skip


def _partitioned_key(scene: Scene, action: AddConstraint) -> bool:
    """Whether PostgreSQL refuses NOT VALID for this foreign key: it did for partitioned tables before 18."""
    if scene.major >= 18:
        return False
    tables = (scene.table(action.table), scene.table(action.constraint.references or action.table))
    return any(t is not None and t.kind == "partitioned table" for t in tables)
