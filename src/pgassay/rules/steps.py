"""Make the steps of a transaction, with or without a rehearsal."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pgassay.catalog import Catalog
from pgassay.model import Name, Runner, Statement, Transaction
from pgassay.model.actions import CreateTable, CreateView
from pgassay.model.observations import Rehearsed
from pgassay.rules.step import Step


def static_steps(transaction: Transaction, runner: Runner) -> list[Step]:
    """What the text alone tells."""
    return [
        Step(
            statement=statement,
            transaction=transaction,
            runner=runner,
            created=created,
            earlier=transaction.statements[:number],
            later=transaction.statements[number + 1 :],
        )
        for number, (statement, created) in enumerate(_created(transaction.statements))
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
    return [
        Step(
            statement=statement,
            transaction=transaction,
            runner=runner,
            seen=rehearsed.observations[number],
            observations=rehearsed.observations,
            before=before,
            after=after,
            created=created,
            earlier=transaction.statements[:number],
            later=transaction.statements[number + 1 :],
            rows=rehearsed.rows,
            known=known,
            assumed=frozenset(assumed),
        )
        for number, (statement, created) in enumerate(_created(transaction.statements))
    ]


def _created(statements: tuple[Statement, ...]) -> list[tuple[Statement, frozenset[Name]]]:
    """Each statement with the relations that earlier ones made."""
    made: set[Name] = set()
    found = []
    for statement in statements:
        found.append((statement, frozenset(made)))
        for action in statement.actions:
            if isinstance(action, CreateTable):
                made.add(Name("pg_temp", action.table.name) if action.temporary else action.table.within("public"))
            elif isinstance(action, CreateView):
                made.add(action.name.within("public"))
    return found
