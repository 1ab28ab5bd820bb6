"""Type change that PostgreSQL cannot do by itself

There is no implicit or assignment cast from the old type to the new one (or none for the column's default), so ALTER
TABLE is refused whatever the table holds (42804, 42846). So it is where a foreign key compares the column with one that
keeps its type.

**Seen by:** the error, also on empty tables.

**Instead:** say with USING how a value becomes one of the new type; drop a default that cannot be converted, and set it
again afterwards. Drop a foreign key, change both of its ends, and add it again.

Source: PostgreSQL manual, ALTER TABLE, "SET DATA TYPE … USING".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog.model import Constraint, Table
from pgassay.model import Finding, Name, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AlterType,)


def find(step: Step) -> Iterator[Finding]:
    """Report conversions that do not exist."""
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.sqlstate not in {"42804", "42846"}:
        return
    for altered in step.statement.of(AlterType):
        if f'"{altered.column}"' not in failure.message and len(step.statement.actions) > 1:
            continue
        column = quote(altered.column)
        if failure.message.startswith("foreign key constraint"):
            yield _compared(step, altered)
            continue
        default = failure.message.startswith("default")
        yield step.finding(
            VERDICT,
            f"{'the default of ' if default else ''}{column} of {altered.table} cannot become {altered.type} by itself",
            subject=(altered.table, altered.column),
            evidence=failure_evidence(step.seen),
            remedy=_default(step, altered) if default else _using(altered),
        )


def _compared(step: Step, altered: AlterType) -> Finding:
    """The column is one end of foreign keys, and their other ends keep another type."""
    here = (step.full(altered.table), altered.column)
    keys = [(t, k, e) for t in (step.before.tables if step.before else ()) for k in t.foreign_keys
            if here in (e := _ends(t, k))]  # fmt: skip
    others = [end for _, _, ends in keys for end in ends if end != here]
    listed = ", ".join(f"{table}.{quote(column)}" for table, column in dict.fromkeys(others))
    column = quote(altered.column)
    return step.finding(
        VERDICT,
        f"{column} of {altered.table} cannot become {altered.type}: a foreign key compares it with"
        f" {listed or 'a column'} of another type",
        subject=(altered.table, altered.column),
        evidence=failure_evidence(step.seen),
        remedy="\n".join(
            [
                *(f"ALTER TABLE {t.name} DROP CONSTRAINT {quote(k.name)};" for t, k, _ in keys),
                *(
                    f"ALTER TABLE {table} ALTER COLUMN {quote(name)} TYPE {altered.type}"
                    f" USING {quote(name)}::{altered.type};"
                    for table, name in dict.fromkeys((here, *others))
                ),
                *(f"ALTER TABLE {t.name} ADD CONSTRAINT {quote(k.name)} {k.definition};" for t, k, _ in keys),
            ]
        )
        or None,
    )


def _ends(table: Table, key: Constraint) -> list[tuple[Name, str]]:
    pairs = zip(key.columns, key.referenced_columns, strict=False)
    return [end for own, other in pairs for end in ((table.name, own), (key.references or table.name, other))]


def _using(altered: AlterType) -> str:
    column = quote(altered.column)
    return f"ALTER TABLE {altered.table} ALTER COLUMN {column} TYPE {altered.type} USING {column}::{altered.type};"


def _default(step: Step, altered: AlterType) -> str:
    column = quote(altered.column)
    was = step.column(altered.table, altered.column)
    value = (was.default if was else None) or "NULL"
    bare = value.rpartition("::")[0] or value
    using = altered.using or f"{column}::{altered.type}"
    return f"""\
ALTER TABLE {altered.table} ALTER COLUMN {column} DROP DEFAULT,
  ALTER COLUMN {column} TYPE {altered.type} USING {using},
  ALTER COLUMN {column} SET DEFAULT {bare}::{altered.type};"""
