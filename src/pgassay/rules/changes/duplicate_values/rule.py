"""Unique constraint on values that are not unique

PostgreSQL builds the unique index and stops at the first pair of equal keys (23505); nothing is created.

**Seen by:** the error on a table with rows. It is proved where the change itself makes the values equal, such as a new
column with a constant default, and computed where it depends on the values that stand.

**Instead:** find the duplicates first and decide which row stays. A new column is added without the constraint, filled
with distinct values, and then made unique.

Source: PostgreSQL manual, CREATE INDEX, "UNIQUE"; chapter 5.5.3 "Unique Constraints".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint, CreateIndex
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AddColumn, AddConstraint, CreateIndex)


def find(step: Step) -> Iterator[Finding]:
    """Report unique keys that failed on rows."""
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.sqlstate != "23505" or failure.cause == "missing":
        return
    for table, keys, where in _keys(step):
        columns = ", ".join(keys)
        depends = failure.cause == "values" and not step.fresh(table)
        yield step.finding(
            VERDICT,
            f"making ({columns}) of {table} unique fails"
            + (f" while two rows of {table} hold the same" if depends else ": its rows all hold the same"),
            subject=(table, keys[0].strip('"')) if len(keys) == 1 else table,
            certainty=Certainty.COMPUTED if depends else None,
            evidence=(*failure_evidence(step.seen), _query(table, columns, where, depends)),
            remedy=_remedy(step, table, columns, where),
        )
        return


def _keys(step: Step) -> Iterator[tuple[Name, tuple[str, ...], str | None]]:
    for action in step.statement.actions:
        match action:
            case CreateIndex(unique=True):
                yield action.table, tuple(quote(k) if k in action.columns else k for k in action.keys), action.where
            case AddConstraint(constraint=c) if c.kind in {"unique", "primary key"}:
                yield action.table, tuple(map(quote, c.columns)) or ("the key",), None
            case AddColumn(column=column) if any(c.kind in {"unique", "primary key"} for c in column.constraints):
                yield action.table, (quote(column.name),), None


def _query(table: Name, columns: str, where: str | None, depends: bool) -> Evidence:
    if not depends:
        return Evidence(kind="text", text="the change itself gives every row the same value")
    condition = f" WHERE {where}" if where else ""
    sql = f"SELECT {columns}, count(*) FROM {table}{condition} GROUP BY {columns} HAVING count(*) > 1"
    return Evidence(kind="text", text=f"{sql}; finds the duplicates", data={"sql": sql})


def _remedy(step: Step, table: Name, columns: str, where: str | None) -> Remedy | None:
    added = next((a.column for a in step.statement.of(AddColumn)), None)
    if added is None:
        return None
    name = quote(added.name)
    key = quote(f"{table.name}_{added.name}_key")
    sql = f"""\
-- 1. expand: without the constraint and without a default that makes all rows equal
ALTER TABLE {table} ADD COLUMN {name} {added.type};
-- 2. give every row a value of its own, in batches (here numbered)
UPDATE {table} AS t SET {name} = n.number
  FROM (SELECT ctid, row_number() OVER () AS number FROM {table}) AS n WHERE n.ctid = t.ctid;
-- 3. outside a transaction block
CREATE UNIQUE INDEX CONCURRENTLY {key} ON {table} ({columns}){f" WHERE {where}" if where else ""};
ALTER TABLE {table} ADD CONSTRAINT {key} UNIQUE USING INDEX {key};"""
    return Remedy(sql=sql, note="Fill in the values that your application means.")
