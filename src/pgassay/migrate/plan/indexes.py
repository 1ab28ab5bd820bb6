"""Indexes: built and dropped while reads and writes go on (manual, CREATE INDEX, "Building Indexes Concurrently")."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.catalog.model import Index
from pgassay.migrate.plan.model import PlanStep, Rewritten, Scene
from pgassay.model import Name, quote
from pgassay.model.actions import CreateIndex, Drop, Reindex
from pgassay.sql.reshape import index


def created(scene: Scene, action: CreateIndex) -> Rewritten | None:
    """CREATE INDEX, on a partitioned table partition by partition."""
    table, made = scene.table(action.table), scene.after(action.table)
    if action.concurrently or table is None or made is None or not scene.stands(action.table):
        return None
    known = {i.name for i in table.indexes}
    new = next((i for i in made.indexes if i.name not in known), None)
    if new is None:  # IF NOT EXISTS, and it does
        return None
    if table.kind == "partitioned table":
        if action.only:
            return None
        return Rewritten(steps=list(on_partitions(scene, scene.text, made, new)))
    built = index(scene.text, name=new.name)
    return Rewritten(steps=[concurrent(scene, built, table.name.named(new.name), table.name)])


def concurrent(scene: Scene, sql: str, name: Name, table: Name) -> PlanStep:
    """One index, built concurrently."""
    return scene.step(
        f"build {name.name}", sql, mode="alone", back=(f"DROP INDEX CONCURRENTLY IF EXISTS {name}",),
        why=f"CREATE INDEX makes writers of {table} wait until it is built; CONCURRENTLY does not",
    )  # fmt: skip


def on_partitions(scene: Scene, text: str, parent: Table, made: Index) -> Iterator[PlanStep]:
    """An index that is empty at first, one for each partition, built concurrently, and their attachment."""
    name = parent.name.named(made.name)
    yield scene.step(
        f"declare {made.name}", index(text, name=made.name, table=parent.name, only=True, concurrently=False),
        why=f"PostgreSQL builds no index of a partitioned table concurrently: {name} begins empty and invalid",
        back=(f"DROP INDEX IF EXISTS {name}",), locks=(parent.name,),
    )  # fmt: skip
    for part in scene.seen.after.tables:
        if part.partition_of != parent.name:
            continue
        own = next((i for i in part.indexes if i.partition_of == name), None)
        if own is None or part.kind == "foreign table":
            continue
        full = part.name.named(own.name)
        standing = scene.table(part.name)
        if standing is not None and any(i.name == own.name for i in standing.indexes):
            pass  # one that was there and fits
        elif part.kind == "partitioned table":
            yield from on_partitions(scene, text, part, own)
        else:
            yield concurrent(scene, index(text, name=own.name, table=part.name), full, part.name)
        yield scene.step(
            f"attach {own.name}", f"ALTER INDEX {name} ATTACH PARTITION {full}", back=(),
            why=f"{name} becomes valid with the last of them",
        )  # fmt: skip


def dropped(scene: Scene, action: Drop) -> Rewritten | None:
    """DROP INDEX, each by itself."""
    if action.kind != "index" or action.concurrently or action.cascade:
        return None
    steps = []
    for name in action.names:
        found = _index(scene, name)
        if found is None:
            return None
        table, index_ = found
        if not scene.stands(table.name) or table.kind == "partitioned table" or index_.constraint:
            return None
        exists = "IF EXISTS " if action.if_exists else ""
        steps.append(
            scene.step(
                f"drop {name.name}", f"DROP INDEX CONCURRENTLY {exists}{name}", mode="alone",
                back=(index(index_.definition),),
                why=f"DROP INDEX locks readers of {table.name} out while it waits for its turn; CONCURRENTLY does not",
            )
        )  # fmt: skip
    return Rewritten(steps=steps)


def rebuilt(scene: Scene, action: Reindex) -> Rewritten | None:
    """REINDEX of a table or an index."""
    if action.concurrently or action.kind not in ("table", "index") or action.name is None or scene.major < 12:
        return None
    kind = action.kind.upper()
    return Rewritten(
        steps=[
            scene.step(
                f"reindex {action.name.name}", f"REINDEX {kind} CONCURRENTLY {action.name}", mode="alone", back=(),
                why="REINDEX makes writers wait, and readers that plan with the index; CONCURRENTLY does not",
            )
        ]
    )  # fmt: skip


def _index(scene: Scene, name: Name) -> tuple[Table, Index] | None:
    for table in scene.seen.before.tables:
        for each in table.indexes:
            if each.name == name.name and table.name.schema == (name.schema or "public"):
                return table, each
    return None


def temporary(name: str, taken: frozenset[str]) -> str:
    """A free name like this one."""
    number, made = 1, f"{name[:55]}_new"
    while made in taken:
        number += 1
        made = f"{name[:55]}_new{number}"
    return made


def names(scene: Scene, table: Name) -> frozenset[str]:
    """The names of all relations in a table's schema, before and after the statement."""
    found: set[str] = set()
    for catalog in (scene.seen.before, scene.seen.after):
        for each in catalog.tables:
            if each.name.schema == table.within("public").schema:
                found |= {each.name.name, *(i.name for i in each.indexes), *(c.name for c in each.constraints)}
    return frozenset(found)


def renamed(table: Name, old: str, new: str) -> str:
    """ALTER INDEX … RENAME."""
    return f"ALTER INDEX {table.named(old)} RENAME TO {quote(new)}"
