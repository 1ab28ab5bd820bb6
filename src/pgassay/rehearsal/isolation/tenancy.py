"""Whose rows are whose: read from policies, the functions that they call, foreign keys and names of columns."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Catalog, Constraint, Table
from pgassay.catalog.sessions import Source, mentions, reads, session_functions, texts
from pgassay.model import Name
from pgassay.rehearsal.isolation.model import Domain, NoTenancy, Owned, Tenancy, Told


def tenancy_of(catalog: Catalog, told: Told) -> Tenancy:
    """What the schema says of its tenants. Raises NoTenancy where it says nothing."""
    finder = _Finder(catalog, told)
    finder.compared()
    columns = finder.columns()
    if not columns:
        raise NoTenancy
    owned = finder.owned(columns)
    sources = dict(finder.sources)
    main = next(iter(columns.values()))[0][1]
    for name in told.settings:
        sources[Source(name.lower())] = sources.get(Source(name.lower())) or main
    domains = list(dict.fromkeys(d for o in owned.values() for _, d in o.columns))
    return Tenancy(
        catalog=catalog,
        owned=owned,
        sources=sources,
        roles=finder.roles(owned),
        domains=tuple(domains),
        notes=tuple(finder.notes),
    )


class _Finder:
    def __init__(self, catalog: Catalog, told: Told) -> None:
        self.catalog, self.told = catalog, told
        self.tables = {t.name: t for t in catalog.tables}
        self.functions = session_functions(catalog)
        self.sources: dict[Source, Domain | None] = {}
        self.direct: dict[Name, list[str]] = {}
        self.notes: list[str] = []
        self.names = self._names()

    def _names(self) -> dict[str, tuple[Name, str]]:
        """Columns that somewhere are a foreign key, by name: a column of that name without one means the same."""
        found: dict[str, tuple[Name, str]] = {}
        for table in self.catalog.tables:
            for column in table.columns:
                root = self._followed(table, column.name)
                if root != (table.name, column.name):
                    found.setdefault(column.name, root)
        return found

    def _followed(self, table: Table, column: str) -> tuple[Name, str]:
        seen = {(table.name, column)}
        while True:
            links = [k for k in table.foreign_keys if column in k.columns and k.references in self.tables]
            if not links:
                return table.name, column
            link = min(links, key=lambda k: len(k.columns))
            assert link.references is not None
            table, column = self.tables[link.references], link.referenced_columns[link.columns.index(column)]
            if (table.name, column) in seen:
                return table.name, column
            seen.add((table.name, column))

    def domain(self, table: Table, column: str) -> Domain:
        """In what sense a column identifies a tenant."""
        root = self._followed(table, column)
        key = table.primary_key
        if root == (table.name, column) and not (key and key.columns == (column,)):
            if column not in self.names:
                return Domain(None, column)
            root = self.names[column]
        return Domain(*root)

    def compared(self) -> None:
        """Which parts of the session are compared with which columns, in policies, functions and views."""
        for table in self.catalog.tables:
            for text in texts(table.policies):
                self._compared(text, table)
        for routine in self.catalog.routines:
            if str(routine.name) in self.functions:
                self._compared(routine.definition, None)
        for view in self.catalog.views:
            self._compared(view.definition, None)

    def _compared(self, text: str, table: Table | None) -> None:
        for read in reads(text, self.functions):
            found = self._table_of(text, table, read.column) if read.column else None
            if found is None or read.column is None:
                for source in read.sources:
                    self.sources.setdefault(source, None)
                continue
            domain = self.domain(found, read.column)
            for source in read.sources:
                self.sources[source] = self.sources.get(source) or domain
            self.direct.setdefault(found.name, [])
            if read.column not in self.direct[found.name]:
                self.direct[found.name].append(read.column)

    def _table_of(self, text: str, table: Table | None, column: str) -> Table | None:
        named = mentions(text, {t.name.name for t in self.catalog.tables})
        others = [t for t in self.catalog.tables if t.name.name in named and t.column(column) and t != table]
        if table is not None and table.column(column) and not others:
            return table
        if table is not None and table.column(column) and not any(f"{t.name.name}." in text for t in others):
            return table
        return others[0] if others else table if table is not None and table.column(column) else None

    def columns(self) -> dict[Name, list[tuple[str, Domain]]]:
        """For each table the columns that say whose a row is, the deciding one first."""
        wanted: dict[Name, list[str]] = {}
        for table in self.catalog.tables:
            if self._shared(table):
                continue
            mine = [c for c in self.told.columns if table.column(c)] + self.direct.get(table.name, [])
            if not mine and not self.told.columns:
                policies = " ".join(texts(table.policies))
                if reads(policies, self.functions):
                    keys = {c for k in table.foreign_keys for c in k.columns} | set(self.names)
                    mine = mentions(policies, [c.name for c in table.columns if c.name in keys])
            wanted[table.name] = mine
        found = {name: [(c, self.domain(self.tables[name], c)) for c in mine] for name, mine in wanted.items()}
        known = {d for pairs in found.values() for _, d in pairs}
        words = {c for pairs in found.values() for c, d in pairs if d.root is None or c != d.column}
        for name, pairs in found.items():
            table = self.tables[name]
            for column in table.columns:
                domain = self.domain(table, column.name)
                key = table.primary_key  # a key that refers to a tenant's: the same thing, told further
                root = (domain.root, domain.column) == (name, column.name) or bool(
                    key and key.columns == (column.name,)
                )
                if domain in known and (column.name in words or root) and column.name not in dict(pairs):
                    pairs.append((column.name, domain))
        # Whose a row is, it says itself before its key does: a user belongs to an organisation.
        return {
            n: sorted(p, key=lambda each: each[1].root == n and not self._told_or_direct(n, each[0]))
            for n, p in found.items()
            if p
        }

    def _told_or_direct(self, name: Name, column: str) -> bool:
        return column in self.told.columns or column in self.direct.get(name, ())

    def owned(self, columns: dict[Name, list[tuple[str, Domain]]]) -> dict[Name, Owned]:
        """Tables with such columns, and those whose foreign keys lead to them."""
        found = {n: Owned(table=self.tables[n], columns=tuple(pairs)) for n, pairs in columns.items()}
        for _ in self.catalog.tables:
            more = {}
            for table in self.catalog.tables:
                if table.name in found or self._shared(table):
                    continue
                link = next(
                    iter(sorted(self._links(table, found), key=lambda k: (not _required(table, k), k.name))), None
                )
                if link is not None:
                    more[table.name] = Owned(table=table, via=link, parent=link.references)
            if not more:
                break
            found |= more
        return found

    def _links(self, table: Table, owned: dict[Name, Owned]) -> Iterator[Constraint]:
        for link in table.foreign_keys:
            parent = owned.get(link.references) if link.references else None
            # What refers to the list of tenants itself need not be the tenant's: created_by and the like.
            if parent and parent.table.name != table.name and not _root_only(parent):
                yield link

    def _shared(self, table: Table) -> bool:
        return bool({str(table.name), table.name.name} & set(self.told.shared)) or table.kind == "foreign table"

    def roles(self, owned: dict[Name, Owned]) -> tuple[str, ...]:
        """Who is meant to use the tables: named by policies, or granted something."""
        if self.told.roles:
            return self.told.roles
        owners = {t.owner for t in self.catalog.tables}
        named = [r for o in owned.values() for p in o.table.policies for r in p.roles]
        granted = [g.grantee for o in owned.values() for g in o.table.grants]
        granted += [g.grantee for v in self.catalog.views for g in v.grants]
        return tuple(r for r in dict.fromkeys(named + granted) if r not in owners and r.lower() != "public")


def _required(table: Table, link: Constraint) -> bool:
    return all((c := table.column(name)) is not None and c.not_null for name in link.columns)


def _root_only(owned: Owned) -> bool:
    return all(d.root == owned.table.name and d.column == c for c, d in owned.columns) and owned.via is None
