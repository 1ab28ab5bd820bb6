"""The judging of states: what a schema's own shape tells, tried on a scratch server that holds it without rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pgassay.catalog import Catalog, read
from pgassay.model import Finding, Name, Statement
from pgassay.model.actions import AddColumn, AlterType, CreateIndex, CreateTable, CreateView, MoveSchema, Rename
from pgassay.rules import Judgement, registry
from pgassay.rules.judge import judge_state
from pgassay.rules.state import State, subject_of
from pgassay.server import Server, StatementError
from pgassay.workload import Query

_MOST_REMEDIES = 50  # that are tried on one state
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)


def survey(server: Server, database: str, state: State) -> Judgement:
    """What all rules say of a whole schema, which the scratch ``database`` holds; remedies are tried there."""
    with server.connect(database) as bench:
        state = replace(state, bench=bench)
        return _with_remedies(judge_state(state), state, _MOST_REMEDIES)


def survey_change(
    server: Server,
    before: tuple[str, Catalog],
    after: tuple[str, Catalog],
    statements: Iterable[Statement],
    *,
    rows: Mapping[Name, int],
    workload: tuple[Query, ...] = (),
    remedies: int = _MOST_REMEDIES,
) -> Judgement:
    """What a change brought: found in the state ``after`` it and not in the one ``before``, as (database, catalog).

    Tables that it left as they were are not asked about. At most so many ``remedies`` are tried.
    """
    done = tuple(statements)
    was, now = (None, None) if before[1].domains != after[1].domains else _touched(before[1], after[1])
    with server.connect(before[0]) as old, server.connect(after[0]) as new:
        first = State(catalog=before[1], rows=rows, workload=workload, bench=old, only=was)
        last = State(
            catalog=after[1],
            rows=rows,
            workload=workload,
            bench=new,
            places=places(done, touched=True),
            only=now,
        )
        return _with_remedies(judge_state(last, first, renamed(done, before[1])), last, remedies)


def _touched(before: Catalog, after: Catalog) -> tuple[frozenset[Name], frozenset[Name]]:
    """The tables that differ, as they were called before and after."""
    old, new = set(before.tables), set(after.tables)
    return frozenset(t.name for t in old - new), frozenset(t.name for t in new - old)


def _with_remedies(judged: Judgement, state: State, most: int) -> Judgement:
    first = [_tried(f, state) for f in judged.findings[:most]]
    return replace(judged, findings=(*first, *judged.findings[most:]))


def _tried(finding: Finding, state: State) -> Finding:
    """The finding with its remedy run: verified where it runs and the rule is silent about the subject after it."""
    rule = next(r for r in registry() if r.id == finding.rule)
    if finding.remedy is None or rule.survey is None or not finding.remedy.sql.strip():
        return finding
    try:
        with state.trying() as bench:
            if bench is None:
                return finding
            bench.run(_CONCURRENTLY.sub("", finding.remedy.sql))
            if bench.transaction != "open":  # it ended the transaction itself
                return finding
            after = replace(state, catalog=read(bench), only=_of(finding, state.catalog))
            silent = all(f.subject != finding.subject for f in rule.survey(after))
    except StatementError:
        return finding
    return replace(finding, remedy=replace(finding.remedy, verified=silent))


def _of(finding: Finding, catalog: Catalog) -> frozenset[Name] | None:
    """The table that a finding is about, None where it is about something else."""
    return frozenset(t.name for t in catalog.tables if f"{finding.subject}.".startswith(f"{t.name}.")) or None


# Places


def places(statements: Iterable[Statement], *, touched: bool = False) -> dict[str, Statement]:
    """The statement that made each table, column and index (by subject); with ``touched``, the last that changed it."""
    found: dict[str, Statement] = {}
    for statement in statements:
        for action in statement.actions:
            match action:
                case CreateTable(temporary=False):
                    found.setdefault(str(action.table.within("public")), statement)
                    for column in action.columns:
                        found.setdefault(subject_of(action.table.within("public"), column.name), statement)
                case AddColumn():
                    found[subject_of(action.table.within("public"), action.column.name)] = statement
                case AlterType():
                    found[subject_of(action.table.within("public"), action.column)] = statement
                case CreateView():
                    found[str(action.name.within("public"))] = statement
                case CreateIndex(name=str(name)):
                    found[str(action.table.within("public").named(name))] = statement
                case Rename() | MoveSchema():
                    _carry(found, action)
            table = getattr(action, "table", None)
            if touched and isinstance(table, Name):
                found[str(table.within("public"))] = statement
    return found


def renamed(statements: Iterable[Statement], before: Catalog) -> dict[str, str]:
    """New subjects by old ones, where a change renames tables or columns: what was wrong before is no news."""
    found = {str(t.name): str(t.name) for t in before.tables}
    found |= {subject_of(t.name, c.name): subject_of(t.name, c.name) for t in before.tables for c in t.columns}
    now = dict(found)  # current name -> old name
    for statement in statements:
        for action in statement.actions:
            if isinstance(action, Rename | MoveSchema):
                _carry(now, action)
    return {old: new for new, old in now.items()}


def _carry(found: dict[str, Statement] | dict[str, str], action: Rename | MoveSchema) -> None:
    """Let what is known of a table or column be known by its new name."""
    if isinstance(action, MoveSchema):
        old = action.name.within("public")
        new = Name(action.schema, old.name)
    elif action.kind == "column" and action.within is not None:
        table = action.within.within("public")
        _move(found, subject_of(table, action.old.name), subject_of(table, action.new))
        return
    elif action.kind in {"table", "view", "materialized view"}:
        old = action.old.within("public")
        new = old.named(action.new)
    else:
        return
    for key in [k for k in found if k == str(old) or k.startswith(f"{old}.")]:
        _move(found, key, f"{new}{key[len(str(old)) :]}")


def _move(found: dict[str, Statement] | dict[str, str], old: str, new: str) -> None:
    if old in found:
        found[new] = found.pop(old)  # type: ignore[assignment]
