"""Tables to fill with all the constraints that their rows must obey, those of a later catalog included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pgassay.catalog.model import Catalog, Column, Constraint, Domain, Index, Table
from pgassay.model import Name, literal, quote
from pgassay.sql.expressions import Expression, columns_of, parse_expression
from pgassay.twin.partitions import partition_condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """Columns that must differ together: a key, a unique index or an exclusion constraint."""

    name: str
    columns: tuple[str, ...]
    nulls_distinct: bool = True
    spans: tuple[tuple[str, str], ...] = ()  # pairs of columns that are the two ends of a range


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A table to fill. ``referenced`` columns are those that foreign keys point to."""

    table: Table
    columns: tuple[Column, ...]
    uniques: tuple[Unique, ...]
    links: tuple[Constraint, ...]
    checks: tuple[str, ...]
    partition: Expression | None
    primary: frozenset[str]
    referenced: frozenset[str]
    aligned: frozenset[str]

    @property
    def name(self) -> Name:
        return self.table.name


def targets_of(catalog: Catalog, obey: Catalog | None) -> dict[Name, Target]:
    """Every table that takes rows itself: no partition of another, no foreign table."""
    tables = [t for t in catalog.tables if t.partition_of is None and t.kind != "foreign table"]
    links = {t.name: _links(t, _later(t, obey), catalog) for t in tables}
    referenced: dict[Name, set[str]] = {}
    aligned: dict[Name, set[str]] = {}
    for link in (link for found in links.values() for link in found):
        if link.references is not None:
            referenced.setdefault(link.references, set()).update(link.referenced_columns)
            if len(link.referenced_columns) > 1:
                aligned.setdefault(link.references, set()).update(link.referenced_columns)
    tables = [_convertible(_behind_domains(table, catalog), _later(table, obey), catalog) for table in tables]
    return {
        table.name: Target(
            table=table,
            columns=tuple(c for c in table.columns if c.generated is None),
            uniques=_uniques(table, _later(table, obey)),
            links=links[table.name],
            checks=(*_checks(table, _later(table, obey)), *_labels(table, _later(table, obey), catalog, obey)),
            partition=partition_condition(catalog, table) or _attached(table, obey),
            primary=frozenset(table.primary_key.columns if table.primary_key else ()),
            referenced=frozenset(referenced.get(table.name, ())),
            aligned=frozenset(aligned.get(table.name, ())),
        )
        for table in tables
    }


def _behind_domains(table: Table, catalog: Catalog) -> Table:
    """The table with the NOT NULLs of its columns' domains as its own."""
    never = {domain.name for domain in catalog.domains if _never_null(domain, catalog)}
    if not never:
        return table
    columns = tuple(
        replace(c, not_null=True) if (d := catalog.domain(c.type)) is not None and d.name in never else c
        for c in table.columns
    )
    return replace(table, columns=columns)


def _convertible(table: Table, later: Table | None, catalog: Catalog) -> Table:
    """The table with each text column that is to become another type planned as that type: its values convert."""
    if later is None:
        return table
    columns = []
    for now in table.columns:
        then = later.column(now.name)
        if then is not None and _text(now, catalog) and then.category not in "SE" and "." not in then.type:
            now = replace(now, type=then.type, base=then.base, category=then.category, element=then.element)
        columns.append(now)
    return replace(table, columns=tuple(columns))


def _labels(table: Table, later: Table | None, catalog: Catalog, obey: Catalog | None) -> Iterable[str]:
    """Checks that limit text columns to the labels of the enum that they are to become."""
    for now in table.columns if later is not None and obey is not None else ():
        then = later.column(now.name) if later else None
        enum = obey.enum(then.type) if obey and then else None
        if enum is not None and enum.labels and _text(now, catalog):
            yield f"{quote(now.name)} = ANY (ARRAY[{', '.join(map(literal, enum.labels))}])"


def _text(column: Column, catalog: Catalog) -> bool:
    return column.category == "S" and catalog.domain(column.type) is None and catalog.enum(column.type) is None


def _never_null(domain: Domain, catalog: Catalog) -> bool:
    below = catalog.domain(domain.type)
    return domain.not_null or (below is not None and _never_null(below, catalog))


def _later(table: Table, obey: Catalog | None) -> Table | None:
    return None if obey is None else obey.table(table.name)


def _attached(table: Table, obey: Catalog | None) -> Expression | None:
    """The bounds within which a table's rows must lie that is to become a partition."""
    later = _later(table, obey)
    parent = obey.table(later.partition_of) if obey and later and later.partition_of else None
    if obey is None or parent is None:
        return None
    alone = tuple(t for t in obey.tables if t.partition_of != parent.name or t.name == table.name)
    return partition_condition(replace(obey, tables=alone), parent)


def _same(table: Table, later: Table, columns: Iterable[str]) -> bool:
    """Whether columns are there already, with the type that they will have."""
    for name in columns:
        now, then = table.column(name), later.column(name)
        if now is None or then is None or now.base != then.base:
            return False
    return True


def _links(table: Table, later: Table | None, catalog: Catalog) -> tuple[Constraint, ...]:
    found = {(link.columns, link.references): link for link in table.foreign_keys if link.enforced}
    for link in later.foreign_keys if later else ():
        parent = catalog.table(link.references) if link.references else None
        if (
            later is not None
            and parent is not None
            and _same(table, later, link.columns)
            and all(parent.column(c) for c in link.referenced_columns)
        ):
            found.setdefault((link.columns, link.references), link)
    return tuple(found.values())


def _checks(table: Table, later: Table | None) -> tuple[str, ...]:
    found = [c.expression for c in table.constraints if c.kind == "check" and c.expression and c.enforced]
    for check in later.constraints if later else ():
        if later is not None and check.kind == "check" and check.expression and check.enforced:
            mentioned = columns_of(parse_expression(check.expression))
            # An IS NOT NULL in a CHECK to come is a NOT NULL in disguise: it is often a step of a migration.
            if _same(table, later, mentioned) and not _only_not_null(check.expression, mentioned):
                found.append(check.expression)
    return tuple(dict.fromkeys(found))


def _only_not_null(expression: str, columns: tuple[str, ...]) -> bool:
    return len(columns) == 1 and expression.strip("() ").upper().endswith("IS NOT NULL") and " OR " not in expression


def _uniques(table: Table, later: Table | None) -> tuple[Unique, ...]:
    found = [_unique(index, table) for index in table.indexes if index.unique or index.exclusion]
    covered = {index.constraint or index.name for index in table.indexes}
    found += [_plain(c) for c in table.constraints if c.kind in {"primary key", "unique"} and c.name not in covered]
    if later is not None:
        extra = [_unique(index, table) for index in later.indexes if index.unique or index.exclusion]
        extra += [_plain(c) for c in later.constraints if c.kind in {"primary key", "unique"}]
        found += [u for u in extra if _same(table, later, u.columns)]
    distinct: dict[tuple[str, ...], Unique] = {}
    for unique in found:
        if unique.columns:
            distinct.setdefault(tuple(sorted(unique.columns)), unique)
    return tuple(distinct.values())


def _plain(constraint: Constraint) -> Unique:
    return Unique(
        name=constraint.name,
        columns=constraint.columns,
        nulls_distinct="NULLS NOT DISTINCT" not in constraint.definition,
    )


def _unique(index: Index, table: Table) -> Unique:
    """Expressions stand for the columns that they mention, generated columns for those they are made of."""
    columns: dict[str, None] = {}
    spans: list[tuple[str, str]] = []
    for key, column in zip(index.keys, index.columns, strict=False):
        mentioned = (column,) if column is not None else columns_of(parse_expression(key))
        if index.exclusion and len(mentioned) == 2 and "range(" in key:
            spans.append((mentioned[0], mentioned[1]))
        for name in mentioned:
            known = table.column(name)
            if known is not None and known.generated is not None:
                columns.update(dict.fromkeys(columns_of(parse_expression(known.expression or "1"))))
            else:
                columns[name] = None
    ends = {end for _, end in spans}
    return Unique(
        name=index.constraint or index.name,
        columns=tuple(name for name in columns if name not in ends),
        nulls_distinct=index.nulls_distinct,
        spans=tuple(spans),
    )
