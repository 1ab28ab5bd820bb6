"""What the tries need to know of a table: a row of each tenant, who may do what, how the other's rows are named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pgassay.catalog import Table
from pgassay.model import Name, literal, quote
from pgassay.rehearsal.isolation.bench import Bench
from pgassay.rehearsal.isolation.model import SIDES, Actor, Domain, Owned, Tenancy
from pgassay.rehearsal.isolation.rows import Values, belongs

Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A table with rows of both. ``spare``: the texts of one further row that may be inserted."""

    owned: Owned
    mine: Row
    theirs: Row
    spare: Row | None
    where: Mapping[str, str]  # of each side: SQL that names its rows without looking at other tables
    digest: str  # a query for which rows of B there are
    named: tuple[str, ...]  # the columns that ``where`` reads
    above: tuple[Name, ...]  # it and the tables that say whose its rows are

    @property
    def table(self) -> Table:
        """The table itself."""
        return self.owned.table


@dataclass(slots=True)
class Ground:
    """The tenancy with its values on a bench, and the tables that can be tried."""

    bench: Bench
    tenancy: Tenancy
    values: Values
    fixed: Mapping[str, str]
    held: dict[Name, Held] = field(default_factory=dict)
    _digests: dict[Name, str | None] = field(default_factory=dict)

    def digest(self, held: Held) -> str | None:
        """Which rows of B there are, before anybody tried anything."""
        name = held.table.name
        if name not in self._digests:
            self._digests[name] = self.bench.attempt(None, held.digest, free=held.above).rows[0][0]
        return self._digests[name]

    def settings(self, side: str, role: str) -> tuple[tuple[str, str], ...]:
        """The session settings of a tenant."""
        plain: dict[str, str] = {}
        documents: dict[str, dict[str, object]] = {}
        for source, domain in self.tenancy.sources.items():
            if not source.setting or source.setting.startswith("request.jwt.claim.role"):
                continue
            if not source.path:
                if domain is not None:
                    plain[source.setting] = self.value(domain, side)
                continue
            value = self.value(domain, side) if domain is not None else role if source.path == ("role",) else None
            at = documents.setdefault(source.setting, {"role": role})
            for step in source.path[:-1]:
                inner = at.setdefault(step, {})
                at = inner if isinstance(inner, dict) else {}
            if value is not None:
                at[source.path[-1]] = value
        told = plain | {name: json.dumps(document) for name, document in documents.items()} | dict(self.fixed)
        return tuple(sorted(told.items()))

    def value(self, domain: Domain, side: str) -> str:
        """What a tenant is called in a domain."""
        return self.values[domain][SIDES.index(side)]

    def actor(self, role: str, *, kind: str = "tenant", side: str = "A") -> Actor:
        """A role in the session of a tenant."""
        return Actor(role=role, settings=self.settings(side, role), kind=kind)

    def belongs(self, name: Name, side: str, alias: str = "t") -> str:
        """SQL: whether a row is the tenant's."""
        return belongs(self.tenancy, self.values, self.tenancy.owned[name], side, alias)

    def above(self, name: Name) -> tuple[Name, ...]:
        """A table, and those that say whose its rows are."""
        parent = self.tenancy.owned[name].parent
        return (name,) if parent is None else (name, *self.above(parent))

    def survey(self, name: Name, spare: Row | None) -> Held | str:
        """Look at a table's rows. Returns in words why it cannot be tried."""
        owned = self.tenancy.owned[name]
        table = owned.table
        rows: dict[str, Row] = {}
        where: dict[str, str] = {}
        key = table.primary_key
        for side in SIDES:
            columns = ", ".join(f"'{_escaped(c.name)}', t.{quote(c.name)}::text" for c in table.columns)
            pairs = _objects(columns, len(table.columns))
            filled = f"num_nulls({', '.join('t.' + quote(c.name) for c in table.columns)})"
            found = self.bench.attempt(
                None,
                f"SELECT {pairs}, t.ctid::text FROM {name} AS t WHERE {self.belongs(name, side)}"
                f" ORDER BY {filled}, t.tableoid, t.ctid",
                free=self.above(name),
            )
            if found.error:
                return f"its rows cannot be read: {found.error}"
            if not found.rows:
                return f"no row of tenant {side} could be made"
            rows[side] = json.loads(found.rows[0][0] or "{}")
            if owned.columns:
                column, domain = owned.columns[0]
                where[side] = f"{quote(column)} = {literal(self.value(domain, side))}"
            elif key:
                rows_of = [json.loads(r[0] or "{}") for r in found.rows]
                where[side] = " OR ".join(
                    "(" + " AND ".join(f"{quote(c)} = {literal(str(row[c]))}" for c in key.columns) + ")"
                    for row in rows_of
                )
            else:
                places = "{" + ",".join(f'"{r[1]}"' for r in found.rows) + "}"
                where[side] = f"ctid = ANY ({literal(places)}::tid[])"
        named = tuple(c for c, _ in owned.columns[:1]) or (key.columns if key else ("ctid",))
        digest = (
            f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t.tableoid::text || t.ctid::text, ' '"
            f" ORDER BY t.tableoid, t.ctid)), '') FROM {name} AS t WHERE {self.belongs(name, 'B')}"
        )
        return Held(
            owned=owned,
            mine=rows["A"],
            theirs=rows["B"],
            spare=spare,
            where=where,
            digest=digest,
            named=named,
            above=self.above(name),
        )

    def privileges(self, role: str, table: Table) -> dict[str, frozenset[str]]:
        """The columns that a role may SELECT, INSERT and UPDATE."""
        relation = literal(str(table.name))
        found = self.bench.session.run(
            "SELECT p, coalesce(string_agg(a.attname, chr(10)), '')"
            " FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p"
            f" LEFT JOIN pg_attribute a ON a.attrelid = {relation}::regclass AND a.attnum > 0 AND NOT a.attisdropped"
            f" AND has_column_privilege({literal(role)}, a.attrelid, a.attnum, p) GROUP BY p"
        )
        return {p: frozenset(filter(None, names.split("\n"))) for p, names in found}


def _escaped(word: str) -> str:
    return word.replace("'", "''")


def _objects(pairs: str, columns: int) -> str:
    """One JSON object; functions take a hundred arguments at most."""
    if columns <= 45:
        return f"json_build_object({pairs})::text"
    return "(SELECT jsonb_object_agg(k, v) FROM jsonb_each_text(to_jsonb(t)) AS e (k, v))::text"
