"""Column added whose values must be written into every row

ADD COLUMN with a constant default, or with none, changes only the catalog. A value that differs from row to row must be
stored in each: with a volatile default (`gen_random_uuid()`, `clock_timestamp()`, `nextval()`), with `serial`, with
GENERATED … AS IDENTITY, and with GENERATED … STORED the whole table and its indexes are written anew, while reads and
writes wait behind an ACCESS EXCLUSIVE lock. A domain with a constraint does the same before PostgreSQL 19.

**Seen by:** the table's file before and after.

**Instead:** the column without a default, then the default for new rows (nothing is rewritten by SET DEFAULT), then the
old rows in batches. A stored expression: a virtual column (PostgreSQL 18), or a plain one that a trigger fills.

Source: PostgreSQL manual, ALTER TABLE, "Notes" (on adding a column with a volatile DEFAULT).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Finding, Verdict, quote
from pgassay.model.actions import AddColumn
from pgassay.rules.locks.advice import NEXT, written
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn,)

# Functions of PostgreSQL that defaults use and that are not volatile; type names with a modifier look like calls.
_STEADY = frozenset(
    "now transaction_timestamp statement_timestamp current_setting current_schema current_database to_timestamp"
    " to_char to_date to_number date_trunc timezone lower upper coalesce nullif concat concat_ws array array_fill"
    " jsonb_build_object jsonb_build_array json_build_object json_build_array to_jsonb to_json decode encode repeat"
    " md5 sha256 abs round floor ceil make_interval make_date make_timestamptz int4range int8range numrange tstzrange"
    " numeric decimal varchar char bpchar bit varbit timestamp timestamptz time timetz interval row cast in and or not"
    " date_part extract current_timestamp localtimestamp current_time localtime".split()
)
_CALL = re.compile(r'("?[\w.]+"?)\s*\(')


def find(step: Step) -> Iterator[Finding]:
    """Report columns for which the table is written anew."""
    columns = [(a, why) for a in step.statement.of(AddColumn) if (why := _reason(step, a))]
    if not columns:
        return
    added, why = columns[0]
    wait = step.wait(added.table, "ACCESS EXCLUSIVE")
    if wait is None or (step.seen and not any(w.kind == "rewrite" for w in step.seen.work_on(wait.table))):
        return
    names = " and ".join(f"{quote(a.column.name)} ({reason})" for a, reason in columns)
    yield step.finding(
        VERDICT,
        f"adding {names} to {wait.table} rewrites the whole table: {wait.who} wait {wait.duration}".rstrip(),
        subject=(added.table, added.column.name),
        evidence=wait.evidence,
        remedy=written(*(line for a, _ in columns for line in _remedy(a))),
    )


def _reason(step: Step, added: AddColumn) -> str | None:
    column = added.column
    if column.serial:
        return f"{column.type}: a number for every row"
    if column.generated in {"identity always", "identity by default"}:
        return "an identity: a number for every row"
    if column.generated == "stored":
        return "generated and stored in every row"
    if column.generated == "virtual":
        return None
    if column.default is not None and (not step.static or _volatile(column.default)):
        volatile = _volatile(column.default)
        return f"its default {column.default} differs from row to row" if volatile else f"default {column.default}"
    if not step.static and step.after and step.after.domain(_type(step, added)):
        return f"the constraints of its type {column.type} are checked for every row"
    return None


def _type(step: Step, added: AddColumn) -> str:
    table = step.after.table(step.full(added.table)) if step.after else None
    column = table.column(added.column.name) if table else None
    return column.type if column else added.column.type


def _volatile(default: str) -> bool:
    """Whether the text calls anything that is not known to give one value to all rows."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", default)
    return any(name.strip('"').rpartition(".")[2].lower() not in _STEADY for name in _CALL.findall(bare))


def _remedy(added: AddColumn) -> Iterator[str]:
    table, column = added.table, added.column
    name = quote(column.name)
    if column.generated == "stored":
        function = table.named(f"{table.name}_{column.name}"[:63])
        yield f"ALTER TABLE {table} ADD COLUMN {name} {column.type} GENERATED ALWAYS AS ({column.default}) VIRTUAL"
        yield "-- before PostgreSQL 18, or where it must be indexed: a plain column, which a trigger"
        yield f"-- {function} fills with {column.default} from now on, and which is filled in batches for the old rows"
        return
    yield f"ALTER TABLE {table} ADD COLUMN {name} {'bigint' if column.serial or column.generated else column.type}"
    default = column.default
    if column.serial or column.generated:
        sequence = table.named(f"{table.name}_{column.name}_seq"[:63])
        yield f"CREATE SEQUENCE {sequence} OWNED BY {table}.{name}"
        default = f"nextval('{sequence}')"
    yield f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {default}"
    yield "-- then, each time in a transaction of its own, until no row is left:"
    yield (
        f"UPDATE {table} SET {name} = {default}"
        f" WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {name} IS NULL LIMIT 10000))"
    )
    if column.not_null or column.serial or column.generated:
        check = quote(f"{table.name}_{column.name}_present"[:63])
        yield NEXT
        yield f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID"
        yield NEXT
        yield f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}"
        yield NEXT
        yield f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"
        yield f"ALTER TABLE {table} DROP CONSTRAINT {check}"
