"""Rows for tests: say what matters, the rest is made up and valid.

factory = Factory("postgresql://app@localhost/test", seed=1)
holder = factory.create("holders", balance=5)        # and the token that it refers to
tokens = factory.create_batch("tokens", 3, symbol="X", name=lambda n: f"Token {n}")
draft = factory.build("holders")                     # as it would be, and nothing is written
"""

from __future__ import annotations

import contextlib
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from types import TracebackType
from typing import Any

from pgassay.catalog import Constraint, read
from pgassay.errors import UsageError
from pgassay.model import Name, literal, quote
from pgassay.server import Connection, StatementError
from pgassay.server.live import connect_writing
from pgassay.sql.expressions import columns_of, parse_expression
from pgassay.testing.databases import Database
from pgassay.testing.values import python_of, text_of
from pgassay.twin.insert import select, written
from pgassay.twin.plans import RowPlan, Unfillable
from pgassay.twin.render import constantly
from pgassay.twin.rows import Planner
from pgassay.twin.targets import Target, targets_of

_ROOM = 100_000  # rows a table that keys are planned for
_TRIES = 30  # numbers that are taken already, or refused
_CANDIDATES = 3_000  # rows that are looked through for one that meets the checks
_TAKEN, _REFUSED = {"23505", "23P01"}, {"23514", "23502"}  # appendix A of the manual
_OWN_FUNCTION = re.compile(r"\b(?!pg_catalog\.)[a-z_]\w*\.\w+\(", re.I)  # a default that asks the session, say

# A string, or a name that is no function, no type and no schema.
_WORD = re.compile(r"'(?:[^']|'')*'|(?<![.:\w\"])(\"(?:[^\"]|\"\")+\"|[a-zA-Z_][\w$]*)(?![\w$(.\"])")


class Row(dict[str, Any]):
    """A row as Python values, by column; ``row.balance`` is ``row["balance"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Factory:
    """Makes rows that obey every CHECK, key, enum, domain and foreign key of a database's tables.

    ``place`` is a URL, a ``Database`` or a ``pgassay.server.Connection``; ``settings`` are set for the session
    (``{"app.tenant_id": …}`` where row security asks for it). The same seed on the same tables makes the same rows.
    Each call is a transaction of its own, unless the connection is in one already. Raises ConnectionProblem.
    """

    def __init__(
        self, place: str | Database | Connection, *, seed: int = 1, settings: Mapping[str, str] | None = None
    ) -> None:
        url = place.url if isinstance(place, Database) else place
        self._own = isinstance(url, str)
        self._connection = connect_writing(url) if isinstance(url, str) else url
        for name, value in (settings or {}).items():
            self._connection.run("SELECT set_config($1, $2, false)", [name, str(value)])
        self._seed = seed
        self.refresh()

    def refresh(self) -> None:
        """Read the schema again: after a migration."""
        self._catalog = read(self._connection)
        self._targets = targets_of(self._catalog, None)
        self._plans: dict[tuple[Name, frozenset[str], tuple[str, ...]], RowPlan] = {}
        self._numbers: dict[Name, int] = {}

    def create(self, table: str, /, **values: Any) -> Row:
        """Insert one row with these values, and a row of each table that it refers to and that is not named by them.

        Raises UsageError where there is no such table or column, or where no row is valid.
        """
        with self._transaction(keep=True):
            return self._row(self._target(table), values, ())

    def create_batch(self, table: str, size: int, /, **values: Any) -> list[Row]:
        """Insert several rows; a value that is a function is called with the row's number from 0. Raises UsageError."""
        with self._transaction(keep=True):
            target = self._target(table)
            return [self._row(target, _numbered(values, n), ()) for n in range(size)]

    def build(self, table: str, /, **values: Any) -> Row:
        """The row that ``create`` would insert, and nothing is inserted (a sequence moves on). Raises UsageError."""
        with self._transaction(keep=False):
            return self._row(self._target(table), values, ())

    def close(self) -> None:
        """End the session, where it is the factory's own."""
        if self._own:
            self._connection.close()

    def __enter__(self) -> Factory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self, *, keep: bool) -> Iterator[None]:
        outside = self._connection.transaction == "idle"
        self._connection.run("BEGIN" if outside else "SAVEPOINT factory")
        undo = "ROLLBACK" if outside else "ROLLBACK TO SAVEPOINT factory; RELEASE SAVEPOINT factory"
        done = False
        try:
            yield
            if keep:
                self._connection.run("COMMIT" if outside else "RELEASE SAVEPOINT factory")
                done = True
        except StatementError as error:
            raise UsageError(f"the row was not kept: {error.report}") from error
        finally:
            if not done and self._connection.transaction != "idle":
                self._connection.run(undo)

    def _target(self, table: str) -> Target:
        found = [t for n, t in self._targets.items() if table in (n.name, f"{n.schema}.{n.name}", str(n))]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"there are several tables {table}: {', '.join(str(t.name) for t in found)}")
        close = difflib.get_close_matches(table, [n.name for n in self._targets], n=1)
        raise UsageError(f"there is no table {table}", hint=f"Did you mean {close[0]}?" if close else None)

    def _row(self, target: Target, values: Mapping[str, Any], above: tuple[Name, ...]) -> _Told:
        fixed: dict[str, str | None] = {}
        for name, value in _numbered(values, 0).items():
            column = target.table.column(name)
            if column is None or column.generated is not None:
                close = difflib.get_close_matches(name, [c.name for c in target.columns], n=1)
                problem = "is computed from others" if column is not None else "is no column"
                hint = f"Did you mean {close[0]}?" if close and column is None else None
                raise UsageError(f"{name} {problem} of {target.name}", hint=hint)
            try:
                fixed[name] = text_of(value, column)
            except TypeError as error:
                raise UsageError(str(error)) from None
        # All that it may refer to; where that is refused, without one of those that may be empty, and without any.
        spare = [link for link in target.links if self._empty(target, link, fixed)]
        ways = [(), *((link,) for link in spare), tuple(spare)] if spare else [()]
        refused: UsageError | None = None
        for without in ways:
            self._connection.run("SAVEPOINT way")
            told = dict(fixed)
            try:
                for link in target.links:
                    if link in without:
                        told |= dict.fromkeys(self._empty(target, link, told))
                    else:
                        self._parent(target, link, told, above)
                made = self._inserted(target, told)
            except UsageError as error:
                refused = refused or error
                self._connection.run("ROLLBACK TO SAVEPOINT way; RELEASE SAVEPOINT way")
            else:
                self._connection.run("RELEASE SAVEPOINT way")
                return made
        assert refused is not None
        raise refused

    def _empty(self, target: Target, link: Constraint, fixed: Mapping[str, str | None]) -> list[str]:
        """The columns of a foreign key that can be left empty."""
        return [c for c in link.columns if not self._not_null(target, c) and c not in fixed]

    def _parent(self, target: Target, link: Constraint, fixed: dict[str, str | None], above: tuple[Name, ...]) -> None:
        """Columns of a foreign key: those of a row that is there and fits, or of one that is made."""
        assert link.references is not None
        if all(c in fixed for c in link.columns) and None in [fixed[c] for c in link.columns]:
            return
        parent = self._targets.get(link.references)
        told = {r: fixed[c] for c, r in zip(link.columns, link.referenced_columns, strict=True) if c in fixed}
        if parent is None:
            raise UsageError(f"{target.name} refers to {link.references}, which takes no rows itself")
        whole = len(told) == len(link.columns)
        found = self._found(parent, link, told) if whole else None
        if found is None and (link.references == target.name or link.references in above):
            empty = self._empty(target, link, fixed)
            if not empty and told and (found := self._found(parent, link, told)):
                fixed.update(zip(link.columns, found, strict=True))
                return
            if not empty:
                raise UsageError(f"{target.name} and {link.references} refer to each other, and neither may be empty")
            fixed.update(dict.fromkeys(empty))
            return
        if found is None:
            made = self._row(parent, {k: v for k, v in told.items() if v is not None}, (*above, target.name))
            found = [made.as_text[c] for c in link.referenced_columns]
        fixed.update(zip(link.columns, found, strict=True))

    def _not_null(self, target: Target, name: str) -> bool:
        column = target.table.column(name)
        return column is None or column.not_null or column.type_not_null

    def _found(self, parent: Target, link: Constraint, told: Mapping[str, str | None]) -> list[str | None] | None:
        columns = ", ".join(f"{quote(c)}::text" for c in link.referenced_columns)
        where = " AND ".join(f"{quote(c)} = {literal(v)}" for c, v in told.items() if v is not None)
        rows = self._connection.run(f"SELECT {columns} FROM {parent.name} WHERE {where or 'true'} LIMIT 1")
        return list(rows[0]) if rows else None

    def _inserted(self, target: Target, fixed: Mapping[str, str | None]) -> _Told:
        """One row, under the next number that nothing refuses."""
        try:
            plan = self._plan(target, fixed)
        except Unfillable as problem:
            raise UsageError(f"no row of {target.name} can be made: {problem.reason}") from None
        filtered, last = plan.filtered, None
        for attempt in range(_TRIES):
            number = self._number(target, 2 ** max(0, attempt - 10))  # farther and farther: days differ late
            try:
                values = self._values(plan, number, filtered) | dict(fixed)
                return self._insert(target, values)
            except StatementError as error:
                self._connection.run("ROLLBACK TO SAVEPOINT one")
                last = error
                if error.sqlstate in _REFUSED and not filtered:
                    filtered = True
                elif error.sqlstate not in _TAKEN | _REFUSED:
                    break
        said = last.report if last is not None else "no number is left"
        raise UsageError(f"no row of {target.name} with these values can be made: {said}")

    def _number(self, target: Target, step: int) -> int:
        known = self._numbers.get(target.name)
        if known is None:
            known = int(self._connection.value(f"SELECT count(*) FROM {target.name}") or 0)
        self._numbers[target.name] = known + step
        return known + step

    def _plan(self, target: Target, fixed: Mapping[str, str | None]) -> RowPlan:
        given = {n: _sql(target, n, text) for n, text in fixed.items()}
        checks = tuple(c for c in (_with(check, given) for check in target.checks) if columns_of(parse_expression(c)))
        plan = self._plans.get((target.name, frozenset(given), checks))
        if plan is None:
            # What is given tells no rows apart: the rest of each key does it alone.
            left = (replace(u, columns=tuple(c for c in u.columns if c not in given)) for u in target.uniques)
            inside = target.partition is None or not set(columns_of(target.partition)) & set(given)
            free = replace(
                target, links=(), checks=checks, uniques=tuple(u for u in left if u.columns),
                partition=target.partition if inside else None,
            )  # fmt: skip
            planner = Planner(catalog=self._catalog, seed=self._seed, wanted={target.name: _ROOM}, statistics={})
            plan = self._plans[target.name, frozenset(given), checks] = planner.plan(free)
        expressions = plan.expressions | {name: constantly(sql) for name, sql in given.items()}
        defined = [(name, text) for name, text in plan.defined if name not in given]
        return replace(plan, expressions=expressions, defined=defined)

    def _values(self, plan: RowPlan, number: int, filtered: bool) -> dict[str, str | None]:
        """The texts of the row of that number; where the server has a say, of the next that meets the checks."""
        number = 1 + (number - 1) % max(plan.capacity, 1)
        far = number + (_CANDIDATES if filtered else 0)
        rows = select(plan, number, far, filtered=filtered, limit=1)
        drawn = [
            c.name
            for c in plan.target.columns
            if c.identity is not None or "nextval(" in (c.default or "") or _OWN_FUNCTION.search(c.default or "")
        ]
        listed = ", ".join(f"{quote(c)}::text AS {quote(c)}" for c in written(plan) if c not in drawn)
        self._connection.run("SAVEPOINT one")
        text = self._connection.value(
            f'SELECT row_to_json("made row")::text FROM (SELECT {listed} FROM ({rows}) AS l) AS "made row"'
        )
        found: dict[str, str | None] = json.loads(text) if text else {}
        return found

    def _insert(self, target: Target, values: Mapping[str, str | None]) -> _Told:
        columns = ", ".join(map(quote, values))
        texts = ", ".join("NULL" if v is None else literal(v) for v in values.values())
        always = any(c.identity is not None and c.name in values for c in target.columns)
        into = f"INSERT INTO {target.name} AS t" + (f" ({columns})" if values else "")
        into += (" OVERRIDING SYSTEM VALUE" if always else "") + (f" VALUES ({texts})" if values else " DEFAULT VALUES")
        names = [c.name for c in target.table.columns]
        told = ", ".join(f"t.{quote(n)}::text" for n in names)
        keys = ", ".join(map(literal, names))
        rows = self._connection.run(
            f"{into} RETURNING row_to_json(t.*)::text, json_object(ARRAY[{keys}]::text[], ARRAY[{told}]::text[])::text"
        )
        self._connection.run("SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT one")
        if not rows:
            raise UsageError(f"{target.name} took no row: a trigger or rule turned it away")
        typed = json.loads(rows[0][0], parse_float=Decimal)
        made = _Told({c.name: python_of(typed[c.name], c) for c in target.table.columns})
        made.as_text = json.loads(rows[0][1])
        return made


def _sql(target: Target, name: str, text: str | None) -> str:
    column = target.table.column(name)
    return f"{'NULL' if text is None else literal(text)}::{column.type if column else 'text'}"


def _with(check: str, given: Mapping[str, str]) -> str:
    """A condition with the values of columns in the place of their names."""

    def put(word: re.Match[str]) -> str:
        name = word[1].replace('""', '"').removeprefix('"').removesuffix('"') if word[1] else ""
        return given.get(name, word[0])

    return _WORD.sub(put, check)


class _Told(Row):
    """A row that knows how PostgreSQL writes its values."""

    as_text: dict[str, str | None]


def _numbered(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {name: value(number) if callable(value) else value for name, value in values.items()}
