"""New columns: nothing computed for the rows of today while the table is locked."""

from __future__ import annotations

from dataclasses import replace

from pgassay.migrate.plan.constraints import added, required
from pgassay.migrate.plan.model import Choice, PlanStep, Rewritten, Scene, batch
from pgassay.model import Name, quote
from pgassay.model.actions import AddColumn, AddConstraint
from pgassay.sql.reshape import column_without
from pgassay.sql.rewrite import Place, constraint_alone


def added_column(scene: Scene, action: AddColumn) -> Rewritten | None:
    """ADD COLUMN on a table that stood before."""
    table, made = scene.table(action.table), scene.after(action.table)
    column = action.column
    new = made.column(column.name) if made else None
    if table is None or new is None or not scene.stands(action.table) or table.column(column.name):
        return None
    if column.generated or (column.serial and table.kind == "partitioned table"):
        return None  # there is no way to compute these beside the traffic
    moved = {"check", "unique", "primary key", "foreign key"} if column.constraints else set[str]()
    found = Rewritten()
    drop = f"ALTER TABLE {table.name} DROP COLUMN IF EXISTS {quote(column.name)}"
    rewrites = any(w.kind == "rewrite" for w in scene.seen.observed.work)
    if column.serial:
        _serial(scene, action, found)
    elif rewrites and column.default is not None:
        bare = column_without(scene.text, lambda kind: kind in moved | {"not null", "default"})
        default = f"ALTER TABLE {table.name} ALTER COLUMN {quote(column.name)} SET DEFAULT {column.default}"
        _filled(scene, table.name, found, bare, default, drop, column.name, not_null=new.not_null)
        found.made_up.add((table.name, column.name))
    elif new.required:
        _required(scene, table.name, action, found, moved, new.type)
    elif moved:
        bare = column_without(scene.text, moved.__contains__)
        found.steps.append(
            scene.step(f"add {column.name}", bare, why="the column alone: no row is read", back=(drop,),
                       locks=(table.name,))
        )  # fmt: skip
    else:
        return None
    if moved and not _constraints(scene, action, found):
        return None
    return found


def _filled(
    scene: Scene, table: Name, found: Rewritten, bare: str, default: str, drop: str, column: str, *, not_null: bool
) -> None:
    found.steps += [
        scene.step(
            f"add {column}", bare, default, back=(drop,), locks=(table,),
            why="a default that is computed row by row would rewrite the table: first the column, then its default for"
            " new rows",
        ),
        scene.step(
            f"fill {column}", batch(f"UPDATE {table} SET {quote(column)} = DEFAULT WHERE {quote(column)} IS NULL"),
            phase="backfill", mode="batch", back=(), why="the rows of today get theirs in batches, while writes go on",
        ),
    ]  # fmt: skip
    if not_null:
        found.steps += [replace(s, phase="backfill") for s in required(scene, table, column)]


def _serial(scene: Scene, action: AddColumn, found: Rewritten) -> None:
    """A serial column: a sequence, the column, its default, the rows of today, NOT NULL."""
    table, column = scene.after(action.table), action.column
    new = table.column(column.name) if table else None
    assert table is not None and new is not None
    sequence = new.owned_sequence
    kind = new.type
    drop = f"ALTER TABLE {table.name} DROP COLUMN IF EXISTS {quote(column.name)}"
    _filled(
        scene, table.name, found, f"ALTER TABLE {table.name} ADD COLUMN {quote(column.name)} {kind}",
        f"ALTER TABLE {table.name} ALTER COLUMN {quote(column.name)} SET DEFAULT nextval('{sequence}'::regclass)",
        drop, column.name, not_null=new.not_null,
    )  # fmt: skip
    first = found.steps[0]
    found.steps[0] = replace(
        first,
        sql=(
            f"CREATE SEQUENCE {sequence} AS {kind}", *first.sql,
            f"ALTER SEQUENCE {sequence} OWNED BY {table.name}.{quote(column.name)}",
        ),
    )  # fmt: skip
    found.made_up.add((table.name, column.name))


def _required(scene: Scene, table: Name, action: AddColumn, found: Rewritten, moved: set[str], type_: str) -> None:
    """NOT NULL without a default: the rows of today, and the old application, need a value until the contract."""
    column = action.column
    given = scene.fills.get((table, column.name))
    enum = scene.seen.after.enum(type_)
    value = given or scene.neutral(type_, enum.labels if enum else ())
    found.choices.append(Choice(table=table, column=column.name, value=value, given=given is not None))
    set_default = f"ALTER TABLE {table} ALTER COLUMN {quote(column.name)} SET DEFAULT {value}"
    forget = f"ALTER TABLE {table} ALTER COLUMN {quote(column.name)} DROP DEFAULT"
    drop = f"ALTER TABLE {table} DROP COLUMN IF EXISTS {quote(column.name)}"
    if "gen_random_uuid" in value or "nextval" in value or "random()" in value:
        bare = column_without(scene.text, lambda kind: kind in moved | {"not null"})
        _filled(scene, table, found, bare, set_default, drop, column.name, not_null=True)
    else:
        bare = column_without(scene.text, moved.__contains__)
        found.steps.append(
            scene.step(
                f"add {column.name}", f"{bare} DEFAULT {value}", back=(drop,), locks=(table,),
                why=f"the rows of {table} and the old application's new ones need a value: a constant default gives it"
                " without touching a row",
            )
        )  # fmt: skip
    found.made_up.add((table, column.name))
    found.steps.append(
        scene.step(
            f"forget the default of {column.name}", forget, phase="contract", locks=(table,), back=(set_default,),
            why=f"{column.name} has no default in the migration: only the old application needs one",
        )
    )  # fmt: skip


def _constraints(scene: Scene, action: AddColumn, found: Rewritten) -> bool:
    """The constraints written within ADD COLUMN, each by itself."""
    late: list[PlanStep] = [s for s in found.steps if s.phase == "contract"]
    found.steps = [s for s in found.steps if s.phase != "contract"]
    made = scene.after(action.table)
    assert made is not None
    for number, rule in enumerate(action.column.constraints):
        new = next((c for c in made.constraints if c.kind == rule.kind and action.column.name in c.columns), None)
        name = rule.name or (new.name if new else None)
        if name is None:
            return False
        text = constraint_alone(scene.text, Place(0, number), name=name, validated=True)
        statement = replace(scene.seen.statement, text=text)
        apart = replace(scene, seen=replace(scene.seen, statement=statement))
        rewritten = added(apart, AddConstraint(table=action.table, constraint=rule))
        if rewritten is None:
            return False
        found.steps += rewritten.steps
    found.steps += late
    return True
