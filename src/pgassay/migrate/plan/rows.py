"""Work on rows: in batches, and refreshed beside the readers."""

from __future__ import annotations

import re

from pgassay.migrate.plan.following import followed
from pgassay.migrate.plan.model import Choice, Phase, PlanStep, Rewritten, Scene, batch
from pgassay.model import quote
from pgassay.model.actions import Action, Delete, Insert, Maintain, SetNotNull, Update


def changed(scene: Scene, action: Action) -> Rewritten | None:
    """UPDATE and DELETE of a table that stood before, and INSERT … SELECT from such a table."""
    if isinstance(action, Insert):
        return _copied(scene, action)
    if not isinstance(action, Update | Delete) or not scene.stands(action.table):
        return None
    refused = scene.unsliced.get(scene.number)
    if refused is not None or not re.match(r"(UPDATE|DELETE)\b", scene.text, re.IGNORECASE):
        why = f"it stays in one piece: {refused or 'it cannot be run in batches'}"
        return Rewritten(steps=[scene.as_written(why=why, phase="backfill")], kept=why)
    verb = "update" if isinstance(action, Update) else "delete from"
    made = Rewritten(
        steps=[
            scene.step(
                f"{verb} {action.table.name}", batch(scene.text), phase="backfill", mode="batch",
                why=f"in one piece it would hold every row of {action.table} that it changes until the last is done",
            )
        ]
    )  # fmt: skip
    return followed(scene, action, made) if isinstance(action, Update) else made


def _copied(scene: Scene, action: Insert) -> Rewritten | None:
    """Nobody waits for rows that are not there yet; but one long transaction keeps VACUUM from all tables."""
    if not action.from_query or not re.match(r"INSERT\b", scene.text, re.IGNORECASE):
        return None
    refused = scene.unsliced.get(scene.number)
    if refused is not None:
        return Rewritten(steps=[scene.as_written(why=f"it stays in one piece: {refused}", phase="backfill")])
    step = scene.step(
        f"insert into {action.table.name}", batch(scene.text), phase="backfill", mode="batch",
        why="in one piece it would be one long transaction, during which VACUUM clears no table",
    )  # fmt: skip
    return Rewritten(steps=[step])


def filling(scene: Scene, action: SetNotNull) -> PlanStep | None:
    """An earlier UPDATE that filled the NULLs of a column, to be run again."""
    for number, seen in enumerate(scene.earlier):
        for update in seen.statement.of(Update):
            where = update.where or ""
            if update.table == action.table and action.column in update.columns and " IS NULL" in where:
                whole = number in scene.unsliced
                return scene.step(
                    f"fill {action.column} again", seen.statement.text if whole else batch(seen.statement.text),
                    phase="contract", mode="transaction" if whole else "batch", back=(),
                    why=f"the old application went on writing rows without {action.column}",
                )  # fmt: skip
    return None


def chosen(scene: Scene, action: SetNotNull, made: Rewritten, phase: Phase) -> None:
    """A value for the rows that have none."""
    table = scene.table(action.table)
    column = table.column(action.column) if table else None
    if table is None or column is None:
        return
    given = scene.fills.get((table.name, column.name))
    enum = scene.seen.before.enum(column.type)
    value = given or scene.neutral(column.type, enum.labels if enum else ())
    made.choices.append(Choice(table=table.name, column=column.name, value=value, given=given is not None))
    made.made_up.add((table.name, column.name))
    name = quote(column.name)
    step = scene.step(
        f"fill {column.name}", batch(f"UPDATE {table.name} SET {name} = {value} WHERE {name} IS NULL"),
        phase="contract" if phase == "contract" else "backfill", mode="batch", back=(),
        why=f"rows without {column.name} need a value",
    )  # fmt: skip
    made.steps.insert(0, step)


def refreshed(scene: Scene, action: Maintain) -> Rewritten | None:
    """REFRESH MATERIALIZED VIEW beside its readers, where a unique index lets it."""
    if action.concurrently or len(action.tables) != 1 or " NO DATA" in " ".join(scene.text.upper().split()):
        return None
    name = action.tables[0].within("public")
    view = scene.view(name)
    if view is None or not view.populated:
        return None
    if not _key(view.indexes):
        why = f"readers of {name} wait: CONCURRENTLY wants a unique index on columns of it, without a condition"
        return Rewritten(steps=[scene.as_written(why=why)], kept=why)
    sql = re.sub(r"\bVIEW\b", "VIEW CONCURRENTLY", scene.text, count=1, flags=re.IGNORECASE)
    step = scene.step(
        f"refresh {name.name}", sql, back=(), why=f"readers of {name} go on with the rows it has",
    )  # fmt: skip
    return Rewritten(steps=[step])


def _key(found: tuple[object, ...]) -> bool:
    from pgassay.catalog.model import Index

    return any(
        isinstance(i, Index) and i.unique and i.valid and i.where is None and all(c is not None for c in i.columns)
        for i in found
    )
