"""Rows of two tenants: made-up rows are handed to A and B in turn, with all that refers to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from pgassay.catalog import Constraint, Table
from pgassay.model import Name, literal, quote
from pgassay.rehearsal.isolation.model import SIDES, Domain, Owned, Tenancy
from pgassay.server import Connection, StatementError

Values = Mapping[Domain, tuple[str, str]]
_INTEGERS = {"smallint", "integer", "bigint", "numeric"}


def arrange(session: Connection, tenancy: Tenancy, roles: tuple[str, str] | None) -> Values:
    """Hand the rows that are there to A and B. ``roles``: their own roles, where the role decides.

    Works as the tables' owner, with row security and triggers out of the way until it is done.
    """
    with lifted(session, tenancy):
        values = {d: _values(session, tenancy, d, roles) for d in tenancy.domains}
        hands = _Hands(session, tenancy, values)
        for name in _in_order(tenancy):
            hands.out(tenancy.owned[name])
        _without_orphans(session, tenancy)
    return values


@contextlib.contextmanager
def lifted(session: Connection, tenancy: Tenancy) -> Iterator[None]:
    """A transaction in which the owner is free: no row security for it, no triggers, late foreign keys."""
    before: list[str] = []
    after: list[str] = []
    for table in tenancy.catalog.tables:
        if table.kind == "foreign table":
            continue
        if table.force_row_security:
            before.append(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
            after.append(f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY")
        for trigger in table.triggers:
            if trigger.enabled == "origin" and not trigger.inherited:
                before.append(f"ALTER TABLE {table.name} DISABLE TRIGGER {quote(trigger.name)}")
                after.append(f"ALTER TABLE {table.name} ENABLE TRIGGER {quote(trigger.name)}")
        for link in table.foreign_keys:
            if not link.deferrable and not link.inherited:
                change = f"ALTER TABLE {table.name} ALTER CONSTRAINT {quote(link.name)}"
                before.append(f"{change} DEFERRABLE INITIALLY DEFERRED")
                after.append(f"{change} NOT DEFERRABLE")
    session.run("BEGIN; SET LOCAL statement_timeout = '20s'")
    try:
        for statement in before:
            session.run(statement)
        yield
        session.run("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in after:
            session.run(statement)
        session.run("COMMIT")
    finally:
        if session.transaction != "idle":
            session.run("ROLLBACK")


def belongs(tenancy: Tenancy, values: Values, owned: Owned, side: str, alias: str, depth: int = 0) -> str:
    """SQL: whether the row under this alias is the tenant's."""
    if owned.columns:
        column, domain = owned.columns[0]
        return f"{alias}.{quote(column)}::text = {literal(values[domain][SIDES.index(side)])}"
    assert owned.via is not None
    assert owned.parent is not None
    inner = f"p{depth}"
    keys = " AND ".join(
        f"{inner}.{quote(r)} = {alias}.{quote(c)}"
        for c, r in zip(owned.via.columns, owned.via.referenced_columns, strict=True)
    )
    above = belongs(tenancy, values, tenancy.owned[owned.parent], side, inner, depth + 1)
    return f"EXISTS (SELECT FROM {owned.parent} AS {inner} WHERE {keys} AND {above})"


def without(session: Connection, tenancy: Tenancy, values: Values) -> None:
    """Take every row of B away, and refresh what is kept of them."""
    with lifted(session, tenancy):
        links = [(t, k) for t in tenancy.catalog.tables for k in t.foreign_keys if not k.inherited]
        order = _in_order(tenancy)
        for name in reversed(order):
            owned = tenancy.owned[name]
            session.run(f"DELETE FROM {name} AS t WHERE {belongs(tenancy, values, owned, 'B', 't')}")
        for _ in range(len(links)):
            if not _orphans(session, links):
                break
    refresh(session, tenancy)


def refresh(session: Connection, tenancy: Tenancy) -> None:
    """Materialised views as their tables are; what cannot be refreshed stays as it was."""
    for view in tenancy.catalog.views:
        if view.materialized:
            with contextlib.suppress(StatementError):
                session.run(f"REFRESH MATERIALIZED VIEW {view.name}")


def _values(session: Connection, tenancy: Tenancy, domain: Domain, roles: tuple[str, str] | None) -> tuple[str, str]:
    if roles is not None and any(d == domain and not s.setting for s, d in tenancy.sources.items()):
        return roles
    places = [(o.table, c) for o in tenancy.owned.values() for c, d in o.columns if d == domain]
    if domain.root is not None and domain.root in tenancy.owned:
        places.insert(0, (tenancy.owned[domain.root].table, domain.column))
    # A list partition takes only its own values.
    places.sort(key=lambda p: not (p[0].partition_key or "").startswith("LIST"))
    for table, column in places:
        word = quote(column)
        found = session.run(
            f"SELECT DISTINCT {word}::text FROM {table.name} WHERE {word} IS NOT NULL AND {word}::text <> ''"
            f" ORDER BY 1 LIMIT 2"
        )
        if len(found) == 2:
            return found[0][0], found[1][0]
    table, column = places[0]
    known = table.column(column)
    base = known.base if known else "text"
    if base == "uuid":
        return "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
    return ("1", "2") if base in _INTEGERS else ("tenant-a", "tenant-b")


class _Hands:
    def __init__(self, session: Connection, tenancy: Tenancy, values: Values) -> None:
        self.session, self.tenancy, self.values = session, tenancy, values

    def out(self, owned: Owned) -> None:
        """Give a table's rows to A and B in turn."""
        table = owned.table
        if table.partition_of is not None:
            return  # done with its table
        source = str(table.name) if table.kind == "partitioned table" else f"ONLY {table.name}"
        rows = self.session.run(f"SELECT tableoid::text, ctid::text FROM {source} ORDER BY 1, 2")
        for number, (relation, place) in enumerate(rows):
            side = number % 2
            where = f"tableoid = {relation} AND ctid = {literal(place)}"
            if not any(self._given(owned, source, where, side, number // 2 + shift) for shift in range(4)):
                self._try(f"DELETE FROM {source} WHERE {where}")

    def _given(self, owned: Owned, source: str, where: str, side: int, turn: int) -> bool:
        changes = {
            c: literal(self.values[d][side])
            for c, d in owned.columns
            if (d.root, d.column) != (owned.table.name, c) and not _generated(owned.table, c)
        }
        for link in owned.table.foreign_keys:
            parent = self.tenancy.owned.get(link.references) if link.references else None
            columns = [c for c in link.columns if c not in changes and not _generated(owned.table, c)]
            if parent is None or not columns or link.references == owned.table.name:
                continue
            if (
                any(
                    (d.root, d.column) == (parent.table.name, r)
                    for r, d in parent.columns
                    for r in link.referenced_columns
                )
                and not parent.via
                and len(parent.columns) == 1
            ):
                continue  # the list of tenants itself: the column is none that decides
            mine = belongs(self.tenancy, self.values, parent, SIDES[side], "p")
            keys = ", ".join(f"p.{quote(r)}::text" for r in link.referenced_columns)
            found = self.session.run(
                f"SELECT {keys} FROM {parent.table.name} AS p WHERE {mine} ORDER BY {keys} LIMIT 1"
                f" OFFSET {turn} % greatest((SELECT count(*) FROM {parent.table.name} AS p WHERE {mine}), 1)"
            )
            if found:
                keyed = dict(zip(link.columns, found[0], strict=True))
                changes |= {c: literal(keyed[c]) for c in columns if keyed[c] is not None}
        if not changes:
            return True
        told = ", ".join(f"{quote(c)} = {v}" for c, v in changes.items())
        return self._try(f"UPDATE {source} SET {told} WHERE {where}")

    def _try(self, sql: str) -> bool:
        try:
            self.session.run(f"SAVEPOINT hand; {sql}; RELEASE SAVEPOINT hand")
        except StatementError:
            self.session.run("ROLLBACK TO SAVEPOINT hand; RELEASE SAVEPOINT hand")
            return False
        return True


def _without_orphans(session: Connection, tenancy: Tenancy) -> None:
    links = [(t, k) for t in tenancy.catalog.tables for k in t.foreign_keys if not k.inherited]
    for _ in range(len(links)):
        if not _orphans(session, links):
            return


def _orphans(session: Connection, links: list[tuple[Table, Constraint]]) -> bool:
    gone = False
    for table, link in links:
        keys = " AND ".join(
            f"p.{quote(r)} = t.{quote(c)}" for c, r in zip(link.columns, link.referenced_columns, strict=True)
        )
        filled = " AND ".join(f"t.{quote(c)} IS NOT NULL" for c in link.columns)
        found = session.run(
            f"DELETE FROM {table.name} AS t WHERE {filled} AND NOT EXISTS (SELECT FROM {link.references} AS p"
            f" WHERE {keys}) RETURNING 1"
        )
        gone = gone or bool(found)
    return gone


def _generated(table: Table, column: str) -> bool:
    known = table.column(column)
    return known is None or known.generated is not None or known.identity == "always"


def _in_order(tenancy: Tenancy) -> list[Name]:
    """Parents first."""
    done: list[Name] = []

    def visit(name: Name, above: frozenset[Name]) -> None:
        if name in done or name in above:
            return
        for link in tenancy.owned[name].table.foreign_keys:
            if link.references in tenancy.owned:
                visit(link.references or name, above | {name})
        done.append(name)

    for name in tenancy.owned:
        visit(name, frozenset())
    return done
