"""What the old application goes on writing after values were copied, until it is gone: a trigger copies that too.

The migration itself held its locks from the copy to the end, so that nothing came between. Steps do not.
"""

from __future__ import annotations

from pgassay.errors import PgassayError
from pgassay.migrate.plan.model import Rewritten, Scene
from pgassay.migrate.plan.switching import sync_names, sync_trigger
from pgassay.model import Name, quote
from pgassay.model.actions import AddColumn, Drop, DropColumn, Insert, SetNotNull, Update
from pgassay.sql.batching import batchable
from pgassay.sql.reshape import expression, mentions
from pgassay.sql.row_rule import RowRule, row_rule


def followed(scene: Scene, action: Update, made: Rewritten) -> Rewritten:
    """An UPDATE that computes a new column from others of its row, which go later, or which is required later: with a
    trigger that does the same to rows that are written meanwhile."""
    table, rule = scene.table(action.table), _rule(scene, action)
    if table is None or rule is None or any(c.generated for c in table.columns if c.name in rule.columns):
        return made
    targets = [name for name, _ in rule.values]
    required = any(
        later.table.within("public") == table.name and later.column in targets
        for seen in scene.later
        for later in seen.statement.of(SetNotNull)
    )
    if not any(place.name == table.name.name for place, _ in _gone(scene)) and (not required or _nulls(action)):
        return made
    own = {c.name: c.name for c in table.columns}
    trigger, function = sync_names(table, targets[0])
    where = f" AND ({expression(rule.where, own, row='new')})" if rule.where != "true" else ""
    blocks = []
    for target, value in rule.values:
        sources = sorted(set(rule.columns) - set(targets))
        x, computed = quote(target), expression(value, own, row="new")
        changed = " OR ".join(f"new.{quote(s)} IS DISTINCT FROM old.{quote(s)}" for s in sources)
        blocks.append(
            f"  IF TG_OP = 'INSERT' THEN\n    IF new.{x} IS NULL{where} THEN new.{x} := {computed}; END IF;\n"
            + (
                f"  ELSIF new.{x} IS NOT DISTINCT FROM old.{x} AND ({changed}){where} THEN\n"
                f"    new.{x} := {computed};\n"
                if changed
                else ""
            )
            + "  END IF;"
        )
    undo = (f"DROP TRIGGER {trigger} ON {table.name}", f"DROP FUNCTION {function}()")
    follow = scene.step(
        f"follow {table.name.name} {targets[0]}", *sync_trigger(table.name, trigger, function, "\n".join(blocks)),
        why="what the old application writes from here on gets its value too", locks=(table.name,),
        back=tuple(sql.replace(" TRIGGER ", " TRIGGER IF EXISTS ").replace(" FUNCTION ", " FUNCTION IF EXISTS ")
                   for sql in undo),
    )  # fmt: skip
    end = scene.step(
        f"end following {table.name.name} {targets[0]}", *undo, phase="contract", locks=(table.name,),
        why="only what the old application writes needs it",
    )  # fmt: skip
    made.steps = [follow, *made.steps, end]
    return made


def missed(scene: Scene) -> str | None:
    """What the old application writes after a copy is lost, in words, where what was copied is dropped later."""
    copies = [
        a for a in scene.seen.statement.actions if isinstance(a, Update) or (isinstance(a, Insert) and a.from_query)
    ]
    if not copies:
        return None
    words = mentions(scene.text)
    lost = [
        f"{place}.{column}" if column else str(place)
        for place, column in _gone(scene)
        if place.name in words and (column is None or column in words or "*" in scene.text)
    ]
    if not lost:
        return None
    listed = ", ".join(dict.fromkeys(lost))
    return (
        f"what the old application writes to {listed} after this step does not reach {copies[0].table} and goes with"
        " the contract: let it write nothing there until the new application is deployed, or carry it over by a trigger"
    )


def _gone(scene: Scene) -> list[tuple[Name, str | None]]:
    """Columns and tables that stood before and that later statements drop."""
    found: list[tuple[Name, str | None]] = []
    for seen in scene.later:
        for action in seen.statement.actions:
            match action:
                case DropColumn(table=table, column=column) if scene.stands(table):
                    standing = scene.table(table)
                    if standing is not None and standing.column(column) and not _added(scene, table, column):
                        found.append((table.within("public"), column))
                case Drop(kind="table", names=names):
                    found += [(name.within("public"), None) for name in names if scene.stands(name)]
    return found


def _rule(scene: Scene, action: Update) -> RowRule | None:
    try:
        rule = row_rule(batchable(scene.text), whole=True)
    except PgassayError:
        return None
    if isinstance(rule, str) or not all(_added(scene, action.table, name) for name, _ in rule.values):
        return None
    return rule


def _added(scene: Scene, table: Name, column: str) -> bool:
    """Whether the migrations themselves added the column."""
    return any(
        added.table.within("public") == table.within("public") and added.column.name == column
        for seen in scene.earlier
        for added in seen.statement.of(AddColumn)
    )


def _nulls(action: Update) -> bool:
    """Whether it fills NULLs alone: it is run again in the end, then."""
    return " IS NULL" in (action.where or "")
