"""What may run in a ghost: the planning of one statement, and nothing that reads or writes.

A ghost's tables claim rows that are not there, so whatever really ran would be wrong, or slow. The text must be one
SELECT, INSERT, UPDATE, DELETE or MERGE by PostgreSQL's own grammar; it goes behind EXPLAIN (never ANALYZE) as a single
protocol statement, in a READ ONLY transaction under OWNER that is rolled back. What planning itself evaluates
(immutable and stable functions over constants) ends at the time limit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pgassay.errors import InputError
from pgassay.model import literal
from pgassay.server import Connection, StatementError
from pgassay.sql.single import single

LIMIT = 10_000  # milliseconds for one plan
_OPTIONS = "(FORMAT JSON, VERBOSE)"


class NotPlanned(InputError):
    """PostgreSQL cannot plan it: {problem}"""


def plan(
    session: Connection, sql: str, parameters: Sequence[str | int | float | bool | None] | None = None
) -> dict[str, Any]:
    """PostgreSQL's own plan of a statement, as ``EXPLAIN (FORMAT JSON)`` has it, without running it.

    For a statement with ``$1`` … the ``parameters`` are values of which the plan may make use; without any, the plan is
    the generic one. Raises InputError where the text is not one plannable statement, NotPlanned where the server
    refuses it.
    """
    query = single(sql)
    if parameters and not query.parameters:
        raise InputError("the query has no parameters ($1 …)")
    if parameters is not None and len(parameters) < query.parameters:
        raise InputError(f"the query has {query.parameters} parameters, {len(parameters)} were given")
    try:
        session.run(f"BEGIN READ ONLY; SET LOCAL statement_timeout = {LIMIT}")
        if query.parameters == 0:
            rows = session.run(f"EXPLAIN {_OPTIONS} {query.text}", ())
        else:
            mode = "force_generic_plan" if parameters is None else "force_custom_plan"
            session.run(f"SET LOCAL plan_cache_mode = {mode}")
            session.run(f"PREPARE pgassay_query AS {query.text}", ())
            values = [None] * query.parameters if parameters is None else list(parameters)[: query.parameters]
            rows = session.run(f"EXPLAIN {_OPTIONS} EXECUTE pgassay_query({', '.join(map(_constant, values))})", ())
    except StatementError as error:
        raise NotPlanned(str(error.report), hint=error.report.hint) from None
    finally:
        if session.transaction != "idle":
            session.run("ROLLBACK")
        if query.parameters:
            session.run("DEALLOCATE ALL")
    found: dict[str, Any] = json.loads(rows[0][0])[0]
    return found


def _constant(value: str | int | float | bool | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal(value if isinstance(value, str) else repr(value))
