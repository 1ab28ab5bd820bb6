"""Partitions attached and detached while the partitioned table is used (manual, chapter 5.12)."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.migrate.plan.constraints import required, validated
from pgassay.migrate.plan.indexes import concurrent
from pgassay.migrate.plan.model import PlanStep, Rewritten, Scene
from pgassay.model import quote
from pgassay.model.actions import AttachPartition, DetachPartition
from pgassay.sql.expressions import columns_of, parse_expression
from pgassay.sql.reshape import as_unique_index, index


def attached(scene: Scene, action: AttachPartition) -> Rewritten | None:
    """ATTACH PARTITION: a CHECK that says what the bounds say, and the indexes that it would build."""
    child, made = scene.table(action.partition), scene.after(action.partition)
    parent = scene.table(action.table)
    bounds = scene.bounds.get(action.partition.within("public"))
    if child is None or made is None or parent is None or not scene.stands(action.partition):
        return None
    steps = _indexes(scene, parent, child, made)
    for column in made.columns:
        own = child.column(column.name)
        if column.not_null and own is not None and not own.not_null:
            steps += required(scene, child.name, column.name)
    steps += _keys(scene, parent, child, made)
    name = f"{child.name.name}_bounds"[:63]
    after = ""
    if bounds:
        add = f"ALTER TABLE {child.name} ADD CONSTRAINT {quote(name)} CHECK ({bounds}) NOT VALID"
        steps += validated(scene, add, name, child.name, (child.name,))
        after = f"ALTER TABLE {child.name} DROP CONSTRAINT {quote(name)}"
    rest = next(
        (t for t in scene.seen.before.tables if t.partition_of == parent.name and t.partition_bound == "DEFAULT"), None
    )
    drops = [after] if after else []
    if rest is not None and bounds:
        other = f"{rest.name.name}_not_{child.name.name}"[:63]
        add = f"ALTER TABLE {rest.name} ADD CONSTRAINT {quote(other)} CHECK (NOT ({bounds})) NOT VALID"
        steps += validated(scene, add, other, rest.name, (rest.name,))
        drops.append(f"ALTER TABLE {rest.name} DROP CONSTRAINT {quote(other)}")
    if not steps:
        return None
    steps.append(
        scene.step(
            f"attach {child.name.name}", scene.text, *drops, locks=(child.name,),
            why="the validated CHECK says what the bounds say: no row is read",
            back=(f"ALTER TABLE {parent.name} DETACH PARTITION {child.name}",),
        )
    )  # fmt: skip
    return Rewritten(steps=steps)


def _indexes(scene: Scene, parent: Table, child: Table, made: Table) -> list[PlanStep]:
    """Indexes that ATTACH would build, where they need no constraint."""
    known = {i.name for i in child.indexes}
    return [
        concurrent(scene, index(new.definition), child.name.named(new.name), child.name)
        for new in made.indexes
        if new.partition_of is not None and new.name not in known and not new.constraint and child.kind == "table"
        and parent.kind == "partitioned table"
    ]  # fmt: skip


def _keys(scene: Scene, parent: Table, child: Table, made: Table) -> list[PlanStep]:
    """The primary key and unique constraints that ATTACH would build: from indexes that were built before."""
    steps: list[PlanStep] = []
    known = {c.name for c in child.constraints}
    if child.kind != "table" or parent.kind != "partitioned table":
        return steps
    for new in made.constraints:
        if new.kind not in ("primary key", "unique") or new.name in known or not new.inherited:
            continue
        text = f"ALTER TABLE {child.name} ADD CONSTRAINT {quote(new.name)} {new.definition}"
        built, use = as_unique_index(text, name=new.name, table=child.name)
        steps += [
            concurrent(scene, built, child.name.named(new.name), child.name),
            scene.step(
                f"add {new.name}", use, locks=(child.name,), why="it takes the finished index: no row is read",
                back=(f"ALTER TABLE {child.name} DROP CONSTRAINT IF EXISTS {quote(new.name)}",),
            ),
        ]  # fmt: skip
    return steps


def detached(scene: Scene, action: DetachPartition) -> Rewritten | None:
    """DETACH PARTITION … CONCURRENTLY, and the CHECK that it leaves behind."""
    parent = scene.table(action.table)
    if action.concurrently or parent is None or scene.major < 14 or not scene.stands(action.table):
        return None
    if any(t.partition_of == parent.name and t.partition_bound == "DEFAULT" for t in scene.seen.before.tables):
        return None
    return Rewritten(
        steps=[
            scene.step(
                f"detach {action.partition.name}",
                f"ALTER TABLE {action.table} DETACH PARTITION {action.partition} CONCURRENTLY", mode="alone",
                why=f"plain DETACH waits for every query on {action.table}, and all others queue behind it",
            ),
            *_leftover(scene, action, parent),
        ]
    )  # fmt: skip


def _leftover(scene: Scene, action: DetachPartition, parent: Table) -> Iterator[PlanStep]:
    """The CHECK in which PostgreSQL keeps the bounds of a partition that was detached concurrently."""
    part = scene.table(action.partition)
    key = parent.partition_key or ""
    columns = columns_of(parse_expression(key[key.find("(") :]))
    if part is None:
        return
    name = "_".join([part.name.name, *(columns if len(columns) == 1 else ()), "check"])[:63]
    if not any(c.name == name for c in part.constraints):
        yield scene.step(
            f"forget the bounds of {part.name.name}",
            f"ALTER TABLE {part.name} DROP CONSTRAINT IF EXISTS {quote(name)}",
            why="PostgreSQL leaves a CHECK with the bounds on a partition that was detached concurrently", back=(),
        )  # fmt: skip
