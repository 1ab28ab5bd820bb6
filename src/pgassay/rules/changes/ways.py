"""Ways round: the SQL of remedies that several rules share."""

from __future__ import annotations

import re

from pgassay.model import Name, Remedy, literal, quote
from pgassay.model.actions import AlterType
from pgassay.rules.step import Step

_NEUTRAL = {
    "smallint": "0", "integer": "0", "bigint": "0", "numeric": "0", "real": "0", "double precision": "0",
    "boolean": "false", "date": "current_date", "timestamp with time zone": "now()", "timestamptz": "now()",
    "timestamp without time zone": "now()", "timestamp": "now()", "uuid": "gen_random_uuid()", "jsonb": "'{}'",
    "json": "'{}'", "bytea": "''", "text": "''", "character varying": "''", "varchar": "''",
    "interval": "'0'",
}  # fmt: skip

FILL_NOTE = "Put the value that the rows of today should get in place of the one shown."


def neutral(type: str, labels: tuple[str, ...] = ()) -> str:
    """A value of a type that stands for "nothing yet", as SQL; the first label of an enum."""
    if labels:
        return literal(labels[0])
    if type.endswith("[]"):
        return "'{}'"
    if type.endswith("address"):  # a domain over EVM addresses: the zero address
        return f"'0x{'0' * 40}'"
    return _NEUTRAL.get(type.partition("(")[0].strip(), "''")


def require(table: Name, column: str) -> str:
    """Make a filled column NOT NULL while writes go on."""
    name = quote(f"{table.name}_{column}_required")
    return f"""\
ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({quote(column)} IS NOT NULL) NOT VALID;
ALTER TABLE {table} VALIDATE CONSTRAINT {name};  -- in its own transaction: writes go on
ALTER TABLE {table} ALTER COLUMN {quote(column)} SET NOT NULL;  -- reads the CHECK, not the table
ALTER TABLE {table} DROP CONSTRAINT {name};"""


def side_by_side(
    table: Name, old: str, new: str, type: str, *, forth: str | None = None, back: str | None = None
) -> str:
    """A second column that a trigger keeps equal to the first, so that both versions of the application run.

    ``forth`` and ``back`` convert, as SQL on the bare column names, where the types differ.
    """
    name = quote(f"{table.name}_{old}_and_{new}")
    function = table.named(f"{table.name}_{old}_and_{new}")
    o, n = quote(old), quote(new)
    forth, back = forth or o, back or n
    to_new, to_old = _of_row(forth, old), _of_row(back, new)
    return f"""\
-- 1. expand: both columns stand side by side, and a trigger keeps them equal
ALTER TABLE {table} ADD COLUMN {n} {type};
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.{n} := coalesce(NEW.{n}, {to_new});
    NEW.{o} := coalesce(NEW.{o}, {to_old});
  ELSIF NEW.{n} IS DISTINCT FROM OLD.{n} THEN
    NEW.{o} := {to_old};
  ELSE
    NEW.{n} := {to_new};
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();
-- 2. backfill, in batches, each in its own transaction
UPDATE {table} SET {n} = {forth} WHERE {n} IS DISTINCT FROM {forth};
-- 3. switch: deploy the application that uses {n}
-- 4. contract, in a later migration, once nothing uses {o}
DROP TRIGGER {name} ON {table};
DROP FUNCTION {function}();
ALTER TABLE {table} DROP COLUMN {o};"""


def second_column(step: Step, altered: AlterType, note: str) -> Remedy:
    """A change of type by a second column instead."""
    column, new = altered.column, f"{altered.column}_new"
    was = step.column(altered.table, column)
    return Remedy(
        sql=side_by_side(
            altered.table, column, new, altered.type,
            forth=altered.using or f"{quote(column)}::{altered.type}",
            back=f"{quote(new)}::{was.type}" if was else None,
        ),
        note=note,
    )  # fmt: skip


def _of_row(expression: str, column: str) -> str:
    """An expression on a column as one on the trigger's row."""
    bare = re.escape(quote(column))
    return re.sub(rf"(?<![\w.\"']){bare}(?![\w\"'(])", lambda _: f"NEW.{quote(column)}", expression)
