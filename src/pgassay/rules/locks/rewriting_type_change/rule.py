"""Column type changed by rewriting the table

ALTER COLUMN … TYPE writes every row anew, and every index of the table, unless the old values are already valid values
of the new type as they lie on disk. Reads and writes wait behind an ACCESS EXCLUSIVE lock until that is done, and the
table needs its space twice. Even where the rows stay as they are, an index on the column may have to be built again,
and a CHECK on it is verified again.

**Seen by:** the table's file, its indexes and its scans before and after. `varchar(10)` to `varchar(20)` or `text`, a
wider `numeric` of the same scale, or `timestamp` to `timestamptz` in a session whose time zone is UTC change nothing on
disk and are not reported. A static review knows only the new type: `text`, and `varchar` and `numeric` without a limit,
pass.

**Instead:** a second column that a trigger keeps equal, filled in batches, and swapped in one short transaction.

Source: PostgreSQL manual, ALTER TABLE, "Notes" (on rewriting the table).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Remedy, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.model.observations import Work
from pgassay.rules.locks.advice import NEXT, written
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AlterType,)
_FREE = {"text", "varchar", "numeric"}


def find(step: Step) -> Iterator[Finding]:
    """Report type changes for which the table is written anew, or its indexes are."""
    changes = [c for c in step.statement.of(AlterType) if not (step.static and c.type in _FREE and c.using is None)]
    if not changes:
        return
    wait = step.wait(changes[0].table, "ACCESS EXCLUSIVE")
    if wait is None:
        return
    done = step.seen.work_on(wait.table) if step.seen else ()
    types = " and ".join(f"{quote(c.column)} to {c.type}" for c in changes)
    yield step.finding(
        VERDICT,
        f"changing {wait.table}.{types} {_what(done)}: {wait.who} wait {wait.duration}".rstrip(),
        subject=(changes[0].table, changes[0].column),
        evidence=wait.evidence,
        remedy=Remedy(
            sql=written(*_prepared(changes), *_swapped(changes)),
            note="Indexes, defaults, NOT NULL and constraints of the old column must be made on the new one before"
            " the swap, the indexes CONCURRENTLY.",
        ),
    )


def _what(done: tuple[Work, ...]) -> str:
    if done and done[0].kind == "index build":
        return f"builds {', '.join(sorted({w.index or 'an index' for w in done}))} again"
    return "scans the whole table" if done and done[0].kind == "scan" else "rewrites the whole table"


def _prepared(changes: list[AlterType]) -> Iterator[str]:
    table = changes[0].table
    names = [(quote(c.column), quote(f"{c.column}_new"[:63]), c) for c in changes]
    function = table.named(f"{table.name}_{changes[0].column}_new"[:63])
    for _, new, change in names:
        yield f"ALTER TABLE {table} ADD COLUMN {new} {change.type}"
    body = " ".join(f"NEW.{new} := {_value(c, 'NEW.')};" for _, new, c in names)
    yield f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$"
    yield (
        f"CREATE TRIGGER {quote(function.name)} BEFORE INSERT OR UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    differs = " OR ".join(f"{new} IS DISTINCT FROM {_value(c)}" for _, new, c in names)
    sets = ", ".join(f"{new} = {_value(c)}" for _, new, c in names)
    yield "-- then, each time in a transaction of its own, until no row is left:"
    yield f"UPDATE {table} SET {sets} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {differs} LIMIT 10000))"


def _swapped(changes: list[AlterType]) -> Iterator[str]:
    table = changes[0].table
    function = table.named(f"{table.name}_{changes[0].column}_new"[:63])
    yield NEXT
    yield f"DROP TRIGGER {quote(function.name)} ON {table}"
    yield f"DROP FUNCTION {function}()"
    for change in changes:
        yield f"ALTER TABLE {table} DROP COLUMN {quote(change.column)}"
        yield f"ALTER TABLE {table} RENAME COLUMN {quote(f'{change.column}_new'[:63])} TO {quote(change.column)}"


def _value(change: AlterType, prefix: str = "") -> str:
    if change.using is not None and not prefix:
        return f"({change.using})"
    return f"{prefix}{quote(change.column)}::{change.type}"
