"""Session setting read for every row

A policy's condition is added to every query. `current_setting(…)`, or a function over it, written bare is called
again for each row that is looked at, and a function in a language other than SQL costs a microsecond or more a call.
Inside a sub-select, `(SELECT current_setting(…))`, it is called once a statement, and an index on the column is used
all the same.

**Seen by:** the plan of a scan with the policy's condition, on a scratch server: the call stands in the filter. In a
sub-select it stands in an InitPlan.

**Instead:** the same condition with the call in a sub-select.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies"; chapter 36.7 "Function Volatility Categories".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pgassay.catalog import Policy, Table
from pgassay.catalog.sessions import Read, Source, reads, session_functions
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS
_SUBSELECT = re.compile(r"\(\s*SELECT\s+[^()]*(?:\([^()]*)*$", re.IGNORECASE)


def survey(state: State) -> Iterator[Finding]:
    """Report policies that read the session once a row."""
    functions = session_functions(state.catalog)
    for table in state.catalog.tables:
        for policy in table.policies if table.row_security else ():
            bare = _bare(policy, functions)
            filters = [_filter(state, table, policy, read) for read in bare]
            shown = next((f for f in filters if f), None)
            if not bare or (state.bench is not None and shown is None):
                continue  # the plan does it once after all
            seen = f"in the plan: {shown}" if shown else f"{bare[0].call} stands in no sub-select"
            yield state.finding(
                VERDICT,
                f"policy {quote(policy.name)} on {table.name} calls {bare[0].call} for every row",
                subject=table.name,
                certainty=Certainty.PROVED if shown else Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text=seen),),
                remedy=_remedy(table.name, policy, bare),
            )
            break  # one a table


def _bare(policy: Policy, functions: Mapping[str, tuple[Source, ...]]) -> list[Read]:
    """Calls of ours outside of sub-selects, in the conditions that choose rows. The role itself costs nothing."""
    if policy.using is None:
        return []
    text = " ".join(policy.using.split())
    found = []
    for read in reads(text, functions):
        at = text.find(read.call)
        if any(s.setting for s in read.sources) and not _SUBSELECT.search(text[:at]):
            found.append(read)
    return found


def _filter(state: State, table: Table, policy: Policy, read: Read) -> str | None:
    """The line of a scan's plan in which the call stands."""
    from pgassay.server import StatementError  # a static review loads no server

    word = read.call.split("(")[0]
    try:
        with state.trying() as bench:
            if bench is None:
                return None
            bench.run("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
            if table.force_row_security:
                bench.run(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
            alias = table.name.name
            rows = bench.run(
                f"EXPLAIN (VERBOSE, COSTS OFF) SELECT FROM {table.name} AS {quote(alias)} WHERE {policy.using}"
            )
    except StatementError:
        return None
    lines = [row[0].strip() for row in rows]
    names = (word, "current_setting(")  # a function of SQL is opened in place
    return next((line for line in lines if line.startswith("Filter:") and any(n in line for n in names)), None)


def _remedy(table: Name, policy: Policy, bare: list[Read]) -> str:
    changes = []
    for word, text in (("USING", policy.using), ("WITH CHECK", policy.check)):
        if text is None:
            continue
        told = " ".join(text.split())
        for call in dict.fromkeys(read.call for read in bare):
            head = call.split(" ->")[0]
            told = told.replace(head, f"(SELECT {head})")
        changes.append(f"{word} ({told})")
    return f"ALTER POLICY {quote(policy.name)} ON {table} {' '.join(changes)};"
