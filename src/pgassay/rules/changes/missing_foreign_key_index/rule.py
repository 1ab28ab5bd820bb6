"""Foreign key without an index under it

PostgreSQL makes an index for the referenced columns, not for the referring ones. Every DELETE of a referenced row,
and every UPDATE of its key, then reads the whole referring table to look for rows that refer to it, and so does a
join along the key.

**Seen by:** the indexes after the change: none begins with the key's columns. An index that the change creates later on
counts. Tables that production keeps below a thousand rows are left alone.

**Instead:** an index that begins with the key's columns.

Source: PostgreSQL manual, chapter 5.5.5 "Foreign Keys".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint, ConstraintDef, CreateIndex, CreateTable
from pgassay.rules.state import State
from pgassay.rules.step import Step

VERDICT = Verdict.SLOWS
LOOKS_AT = (AddColumn, AddConstraint, CreateIndex, CreateTable)
_FEW = 1000  # rows that a scan reads in no time


def find(step: Step) -> Iterator[Finding]:
    """Report foreign keys that no index serves at the end of the change."""
    for name, key in dict.fromkeys(_foreign_keys(step)):
        if step.known.get(step.full(name), _FEW) < _FEW:
            continue
        if step.static:
            missing, sure = not _indexed_in_text(step, name, key.columns), Certainty.PRESUMED
        else:
            table = step.after.table(name) if step.after else None
            held = table is not None and any(set(k.columns) == set(key.columns) for k in table.foreign_keys)
            missing, sure = bool(held and table and not _indexed(table, key.columns)), Certainty.COMPUTED
        if not missing:
            continue
        columns = ", ".join(map(quote, key.columns))
        yield step.finding(
            VERDICT,
            f"deleting from {key.references} reads all of {name} each time: no index begins with ({columns})",
            subject=(name, key.columns[0]) if len(key.columns) == 1 else f"{step.full(name)}({columns})",
            certainty=sure,
            evidence=(Evidence(kind="catalog", text=f"foreign key ({columns}) of {name} to {key.references}"),),
            remedy=_remedy(step, name, key.columns),
        )


def survey(state: State) -> Iterator[Finding]:
    """Report foreign keys of a whole schema that no index serves."""
    for table in state.tables:
        if table.partition_of or state.rows.get(table.name, _FEW) < _FEW:
            continue
        for key in table.foreign_keys:
            if _indexed(table, key.columns):
                continue
            columns = ", ".join(map(quote, key.columns))
            index = quote("_".join((table.name.name, *key.columns, "idx")))
            ddl = f"{index} ON {table.name} ({columns});"
            yield state.finding(
                VERDICT,
                f"deleting from {key.references} reads all of {table.name} each time: no index begins with ({columns})",
                subject=(table.name, key.columns[0]) if len(key.columns) == 1 else f"{table.name}({columns})",
                evidence=(Evidence(kind="catalog", text=f"foreign key {key.name} to {key.references}"),),
                remedy=f"CREATE INDEX {ddl}"
                if table.kind == "partitioned table"
                else f"-- outside a transaction block\nCREATE INDEX CONCURRENTLY {ddl}",
            )


def _foreign_keys(step: Step) -> Iterator[tuple[Name, ConstraintDef]]:
    for action in step.statement.actions:
        match action:
            case CreateTable(temporary=False):
                found = [*action.constraints, *(c for column in action.columns for c in column.constraints)]
            case AddColumn():
                found = list(action.column.constraints)
            case AddConstraint():
                found = [action.constraint]
            case _:
                continue
        yield from ((action.table, c) for c in found if c.kind == "foreign key" and c.references)


def _indexed(table: Table, columns: tuple[str, ...]) -> bool:
    return any(
        index.valid
        and index.method in {"btree", "hash"}
        and set(index.columns[: len(columns)]) == set(columns)
        and (index.where is None or _only_not_null(index.where, columns))
        for index in table.indexes
    )


def _only_not_null(where: str, columns: tuple[str, ...]) -> bool:
    """A lookup by the key implies this, so the planner can use the index."""
    return where.strip("()").replace('"', "") in {f"{c} IS NOT NULL" for c in columns}


def _indexed_in_text(step: Step, name: Name, columns: tuple[str, ...]) -> bool:
    def serves(keys: tuple[str, ...]) -> bool:
        return set(keys[: len(columns)]) == set(columns)

    for migration in step.transaction.migrations:
        for action in (a for s in migration.statements for a in s.actions):
            match action:
                case CreateIndex() if _same(action.table, name) and serves(action.keys):
                    return True
                case CreateTable() if _same(action.table, name):
                    inline = [c for column in action.columns for c in column.constraints]
                    keys = [c for c in (*action.constraints, *inline) if c.kind in {"primary key", "unique"}]
                    if any(serves(c.columns) for c in keys):
                        return True
                case AddColumn() if _same(action.table, name):
                    if any(
                        c.kind in {"primary key", "unique"} and serves(c.columns) for c in action.column.constraints
                    ):
                        return True
                case AddConstraint(constraint=c) if _same(action.table, name) and c.kind in {"primary key", "unique"}:
                    if serves(c.columns):
                        return True
    return False


def _same(one: Name, other: Name) -> bool:
    return one.within("public") == other.within("public")


def _remedy(step: Step, table: Name, columns: tuple[str, ...]) -> str:
    index = quote("_".join((table.name, *columns, "idx")))
    keys = ", ".join(map(quote, columns))
    if step.fresh(table) or any(a.table == table for a in step.statement.of(CreateTable)):
        return f"CREATE INDEX {index} ON {table} ({keys});"
    return f"-- outside a transaction block\nCREATE INDEX CONCURRENTLY {index} ON {table} ({keys});"
