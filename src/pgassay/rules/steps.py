"""Make the steps of a transaction, with or without a rehearsal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from pgassay.catalog import Catalog
from pgassay.model import Name, Runner, Statement, Transaction
from pgassay.model.actions import Action, AddColumn, CreateTable, CreateView, Drop, MoveSchema, Rename
from pgassay.model.observations import Rehearsed
from pgassay.rules.step import Step


def static_steps(transaction: Transaction, runner: Runner) -> list[Step]:
    """What the text alone tells."""
    statements = transaction.statements
    return [
        Step(
            statement=statement,
            transaction=transaction,
            runner=runner,
            created=past.created,
            renamed=past.renamed,
            columns=past.columns,
            earlier=statements[:number],
            later=statements[number + 1 :],
        )
        for number, (statement, past) in enumerate(_pasts(statements))
    ]


def live_steps(
    rehearsed: Rehearsed,
    runner: Runner,
    *,
    before: Catalog,
    after: Catalog,
    known: Mapping[Name, int],
    assumed: Collection[Name] = (),
) -> list[Step]:
    """What a rehearsal saw."""
    transaction = rehearsed.transaction
    statements = transaction.statements
    return [
        Step(
            statement=statement,
            transaction=transaction,
            runner=runner,
            seen=rehearsed.observations[number],
            observations=rehearsed.observations,
            before=before,
            after=after,
            created=past.created,
            renamed=past.renamed,
            columns=past.columns,
            earlier=statements[:number],
            later=statements[number + 1 :],
            rows=rehearsed.rows,
            known=known,
            assumed=frozenset(assumed),
        )
        for number, (statement, past) in enumerate(_pasts(statements, before))
    ]


@dataclass(frozen=True, slots=True)
class _Past:
    """What the earlier statements of a change made and renamed. IF NOT EXISTS makes nothing of what is ``standing``."""

    standing: frozenset[Name] = frozenset()
    created: frozenset[Name] = frozenset()
    renamed: Mapping[Name, Name] = field(default_factory=dict)
    columns: Mapping[tuple[Name, str], str | None] = field(default_factory=dict)

    def then(self, action: Action) -> _Past:
        """The past once this was done too."""
        match action:
            case CreateTable():
                name = Name("pg_temp", action.table.name) if action.temporary else action.table.within("public")
                kept = action.if_not_exists and name in self.standing
                return self if kept else replace(self, created=self.created | {name})
            case Drop(kind="table"):
                return replace(self, standing=self.standing - {name.within("public") for name in action.names})
            case CreateView():
                return replace(self, created=self.created | {action.name.within("public")})
            case AddColumn(if_not_exists=False):
                return self._column(action.table, action.column.name, None)
            case Rename(kind="column", within=Name() as table):
                old = action.old.name
                key = (self._table(table), old)
                return self._column(table, action.new, self.columns.get(key, old))
            case Rename(kind="table" | "view" | "materialized view"):
                return self._relation(action.old, action.old.within("public").named(action.new))
            case MoveSchema(kind="table" | "view" | "materialized view"):
                return self._relation(action.name, Name(action.schema, action.name.name))
        return self

    def _table(self, name: Name) -> Name:
        now = name.within("public")
        return self.renamed.get(now, now)

    def _column(self, table: Name, column: str, was: str | None) -> _Past:
        return replace(self, columns={**self.columns, (self._table(table), column): was})

    def _relation(self, old: Name, new: Name) -> _Past:
        if old.within("public") in self.created:
            return replace(self, created=self.created | {new})
        return replace(self, renamed={**self.renamed, new: self._table(old)})


def _pasts(statements: tuple[Statement, ...], before: Catalog | None = None) -> list[tuple[Statement, _Past]]:
    """Each statement with what the earlier ones did."""
    past = _Past(standing=frozenset(t.name for t in before.tables) if before else frozenset())
    found = []
    for statement in statements:
        found.append((statement, past))
        for action in statement.actions:
            past = past.then(action)
    return found
