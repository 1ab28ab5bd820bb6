"""What remedies have in common: names as PostgreSQL would choose them, and how a runner can send what stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.model import Name, Remedy, quote
from pgassay.model.actions import AddColumn, AddConstraint, ConstraintDef
from pgassay.rules.step import Step
from pgassay.sql.expressions import columns_of, parse_expression
from pgassay.sql.rewrite import Place, constraint_alone, without

_ENDINGS = {
    "foreign key": "fkey", "check": "check", "unique": "key", "primary key": "pkey", "exclude": "excl",
    "not null": "not_null",
}  # fmt: skip
NEXT = "-- then, in a transaction of its own:"


@dataclass(frozen=True, slots=True)
class Added:
    """A constraint that a statement adds, its place in the statement, and the new column that it came with."""

    table: Name
    constraint: ConstraintDef
    place: Place
    column: str | None = None

    @property
    def name(self) -> str:
        """Its name, or the one that PostgreSQL would give it."""
        c = self.constraint
        if c.name:
            return c.name
        columns = () if c.kind == "primary key" else c.columns
        if c.kind == "check":  # named after its column where it mentions one alone
            mentioned = columns_of(parse_expression(c.expression or ""))
            columns = mentioned if len(mentioned) == 1 else ()
        return "_".join([self.table.name, *columns, _ENDINGS[c.kind]])[:63]


def added(step: Step, kind: str) -> Iterator[Added]:
    """The constraints of one kind that a statement adds, those written within ADD COLUMN too."""
    for number, action in enumerate(step.statement.actions):
        if isinstance(action, AddConstraint) and action.constraint.kind == kind:
            yield Added(action.table, action.constraint, Place(number))
        elif isinstance(action, AddColumn):
            for inline, constraint in enumerate(action.column.constraints):
                if constraint.kind == kind:
                    yield Added(action.table, constraint, Place(number, inline), action.column.name)


def written(*lines: str | None) -> str:
    """Lines of SQL; statements end with a semicolon."""
    return "\n".join(
        line if line.startswith("--") or line.endswith(";") else f"{line};" for line in lines if line
    )  # fmt: skip


def columns(names: tuple[str, ...]) -> str:
    """A list of columns as SQL."""
    return ", ".join(map(quote, names))


def outside(step: Step, sql: str, *, then: str | None = None, note: str = "") -> Remedy:
    """SQL that cannot run in a transaction block, ``then`` what can, and how this runner can send both."""
    runner = step.runner
    if runner.concurrently:
        how = f"Outside a transaction block: {runner.concurrently}." if step.in_transaction else ""
        return Remedy(sql=written(sql, then and NEXT, then), note=" ".join(filter(None, [how, note])) or None)
    quiet = _quiet(sql.removesuffix(";"))
    if quiet or then:
        last = "-- in the migration, which on production then finds the index built or gone:" if quiet else NEXT
        rest: tuple[str | None, ...] = (last, quiet, then)
    else:
        rest = ("-- and take the statement out of the migration",)
    return Remedy(
        sql=written(f"-- by hand (psql), before {runner.name} deploys the migration:", sql, *rest),
        note=" ".join(filter(None, [f"{runner.name} sends every file in a transaction.", note])),
    )


def patiently(sql: str) -> str:
    """SQL that gives up instead of making everybody queue behind it while it waits for its lock."""
    return written(
        "-- in a quiet hour; try again where it gives up:", "SET lock_timeout = '2s'", sql, "RESET lock_timeout"
    )


def apart(step: Step) -> str | None:
    """What this runner needs in order to run two steps in two transactions."""
    if not step.runner.one_transaction:
        return None
    return f"{step.runner.name} sends all pending files in one transaction: deploy each step before the next is added."


def later_validated(step: Step, constraints: list[Added]) -> Remedy:
    """The statement with these constraints NOT VALID, and their validation under a lock that lets writes pass."""
    text = step.statement.text
    return Remedy(
        sql=written(
            without(text, {a.place for a in constraints}),
            *(constraint_alone(text, a.place, name=a.name) for a in constraints),
            NEXT,
            *(f"ALTER TABLE {a.table} VALIDATE CONSTRAINT {quote(a.name)}" for a in constraints),
        ),
        note=apart(step),
    )


def index_first(step: Step, constraint: Added) -> Remedy:
    """A unique constraint or primary key from an index that was built CONCURRENTLY."""
    text, name, table = step.statement.text, constraint.name, constraint.table
    definition = constraint_alone(text, constraint.place, name=name, validated=True)
    match = re.search(
        r"(?P<kind>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? (?P<keys>\(.*?\))(?P<include> INCLUDE \(.*?\))?"
        r"(?P<rest>.*)$",
        definition,
    )
    keys = match["keys"] + (match["include"] or "") + (match["nulls"] or "") if match else ""
    kind, rest = (match["kind"], match["rest"]) if match else ("UNIQUE", "")
    build = f"CREATE UNIQUE INDEX CONCURRENTLY {quote(name)} ON {table} {keys}"
    use = f"ALTER TABLE {table} ADD CONSTRAINT {quote(name)} {kind} USING INDEX {quote(name)}{rest}"
    others = without(text, {constraint.place})
    if others and constraint.column:  # the column must be there before its index
        note = "A build that fails leaves an INVALID index behind: drop it first."
        remedy = outside(step, build, then=use, note=note)
        return Remedy(sql=written(others, NEXT) + "\n" + remedy.sql, note=remedy.note)
    return outside(step, build, then=written(use, others))


def concurrently(text: str) -> str:
    """CREATE INDEX with CONCURRENTLY."""
    if re.search(r"\bINDEX\s+CONCURRENTLY\b", text, re.IGNORECASE):
        return f"{text};"
    return re.sub(r"\bINDEX\b", "INDEX CONCURRENTLY", text, count=1, flags=re.IGNORECASE) + ";"


def _quiet(text: str) -> str | None:
    """CREATE or DROP INDEX that does nothing where the work is done; None for anything else."""
    plain = re.sub(r"\bCONCURRENTLY\s+", "", text, count=1, flags=re.IGNORECASE)
    if not re.match(r"(CREATE\s+(UNIQUE\s+)?|DROP\s+)INDEX\b", plain, re.IGNORECASE):
        return None
    if re.search(r"\bIF\s+(NOT\s+)?EXISTS\b", plain, re.IGNORECASE):
        return plain
    if re.match(r"DROP", plain, re.IGNORECASE):
        return re.sub(r"\bINDEX\b", "INDEX IF EXISTS", plain, count=1, flags=re.IGNORECASE)
    if re.match(r"CREATE\s+(UNIQUE\s+)?INDEX\s+ON\b", plain, re.IGNORECASE):
        return None  # it has no name to look for
    return re.sub(r"\bINDEX\b", "INDEX IF NOT EXISTS", plain, count=1, flags=re.IGNORECASE)
