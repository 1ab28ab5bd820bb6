"""Rows that come while a backfill runs, done as they are written: a BEFORE trigger for as long as it runs.

Made before the first range, it waits for every transaction that has written without it (CREATE TRIGGER's lock). What is
written from then on is done at once; the rows that stood are in the ranges. So nothing is left after one pass. The
value of a row comes from columns that the statement does not set, so it does not matter how often it is made.

The function runs with its owner's rights and its search_path: who writes a row needs no right on what it calls. Where
it fails, the row is written as it came and left to the passes: an application's statement does not fail because of us.

Source: PostgreSQL manual, chapters 37.1 "Overview of Trigger Behavior", 41.10 "Trigger Functions".
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import dataclass

from pgassay.errors import PgassayError
from pgassay.migrate.backfill.plan import QUERIES, Plan
from pgassay.model import quote
from pgassay.server import Connection, StatementError
from pgassay.sql.row_rule import RowRule, row_rule

_LAST = "zzz_pgassay_"  # triggers of a kind fire in the order of their names: what others set is there by then
_BUSY = {"55P03", "40P01", "57014"}
OURS = "SET pgassay.batch = 'on'"  # by which the trigger leaves the batches alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """The trigger of one backfill on ``table``."""

    table: str
    name: str
    rule: RowRule

    def make(self, session: Connection, *, lock_timeout: float, patience: float) -> None:
        """Make it where it is not there. Raises PgassayError where its lock cannot be had, StatementError."""
        began = time.monotonic()
        pause = 0.1
        while session.value(QUERIES["trigger"], [self.table, self.name]) != "t":
            try:
                session.run(f"BEGIN; SET LOCAL lock_timeout = {int(lock_timeout * 1000)};{self._sql(session)};COMMIT")
                return
            except StatementError as error:
                if session.transaction != "idle":
                    session.run("ROLLBACK")
                if error.sqlstate not in _BUSY:
                    raise
                if time.monotonic() - began > patience:
                    raise PgassayError(
                        f"the trigger for new rows of {self.table} got no lock in {patience:g} s: {error}",
                        hint="Wait for who writes to the table, or leave new rows to passes: --new-rows pass.",
                    ) from None
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 5.0)

    def drop(self, session: Connection, *, lock_timeout: float, patience: float) -> None:
        """Away with it and its function."""
        began = time.monotonic()
        while True:
            try:
                session.run(
                    f"BEGIN; SET LOCAL lock_timeout = {int(lock_timeout * 1000)};"
                    f" DROP TRIGGER IF EXISTS {self.name} ON {self.table}; DROP FUNCTION IF EXISTS {self._function}();"
                    " COMMIT"
                )
                return
            except StatementError as error:
                if session.transaction != "idle":
                    session.run("ROLLBACK")
                if error.sqlstate not in _BUSY or time.monotonic() - began > patience:
                    raise PgassayError(
                        f"all rows of {self.table} are done, but the trigger {self.name} could not be dropped: {error}",
                        hint=f"Run the same command again, or: DROP TRIGGER {self.name} ON {self.table}",
                    ) from None
            time.sleep(random.uniform(0.1, 0.5))

    @property
    def _function(self) -> str:
        return f"pgassay.{self.name}"

    def _sql(self, session: Connection) -> str:
        path = session.json(QUERIES["schemas"])
        schemas = ", ".join(quote(name) for name in [*path, "pg_temp"])
        values = ", ".join(f"{value} AS pgassay_{n}" for n, (_, value) in enumerate(self.rule.values, 1))
        given = " ".join(
            f"NEW.{quote(column)} := pgassay_made.pgassay_{n};" for n, (column, _) in enumerate(self.rule.values, 1)
        )
        body = f"""
#variable_conflict use_column
DECLARE pgassay_made record;
BEGIN
  BEGIN
    SELECT {values} INTO pgassay_made FROM (SELECT NEW.*) AS {quote(self.rule.alias)} WHERE {self.rule.where};
    IF FOUND THEN {given} END IF;
  EXCEPTION WHEN OTHERS THEN NULL;  -- the row is left to the passes
  END;
  RETURN NEW;
END"""
        mark = "$pgassay$"
        while mark in body:
            mark = f"${mark.strip('$')}_$"
        return (
            f"CREATE OR REPLACE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = {schemas} AS {mark}{body}{mark};"
            f" REVOKE ALL ON FUNCTION {self._function}() FROM PUBLIC;"
            f" CREATE TRIGGER {self.name} BEFORE INSERT OR UPDATE ON {self.table} FOR EACH ROW"
            " WHEN (pg_catalog.current_setting('pgassay.batch', true) IS DISTINCT FROM 'on')"
            f" EXECUTE FUNCTION {self._function}()"
        )


def filler(session: Connection, plan: Plan, record: str) -> Filler | str:
    """The trigger that does for new rows what the statement does, or why there can be none."""
    rule = row_rule(plan.statement)
    if isinstance(rule, str):
        return rule
    named = [{"schema": n.schema, "name": n.name} for n in plan.statement.mentioned]
    kinds = session.json(QUERIES["functions"], [json.dumps(named)]) if named else []
    volatile = sorted(name for name, how, _ in kinds if how == "v")
    if volatile:
        return f"{volatile[0]}() is volatile: twice is not the same as once"
    about = session.json(QUERIES["row"], [plan.changes])
    if about["family"]:
        return f"{plan.table} has partitions or children"
    generated = sorted(rule.columns & set(about["generated"] or ()))
    if generated:
        return f"{generated[0]} is generated, after triggers have run"
    unknown = sorted(rule.columns - set(about["columns"]))
    if unknown:  # a function in the writing of a column, t.f
        return f"{unknown[0]} is no column of {plan.table}"
    if not about["allowed"]:
        return f"this role may not make a trigger on {plan.table} (the right TRIGGER)"
    digest = hashlib.sha256(record.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Filler(table=plan.table, name=f"{_LAST}{digest}", rule=rule)
