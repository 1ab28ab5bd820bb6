"""What may have been renamed: a question to a person, with its candidates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgassay.catalog.ddl.model import Decision, Decisions
from pgassay.catalog.model import Catalog, Column, Table
from pgassay.errors import UsageError
from pgassay.model import Name, literal, quote


def questions(before: Catalog, after: Catalog, decisions: Decisions) -> Iterator[Decision]:
    """Tables, columns and enum labels that went while others of equal shape came, and that no answer covers."""
    settled = {parts(word) for word in decisions.settled()}
    named = {parts(new) for _, new in decisions.renames}
    for question in _questions(before, after):
        candidates = tuple(word for word in question.new if parts(word) not in named | settled)
        if candidates and parts(question.old) not in settled:
            yield Decision(kind=question.kind, old=question.old, new=candidates)


def _questions(before: Catalog, after: Catalog) -> Iterator[Decision]:
    old_tables, new_tables = ({t.name: t for t in catalog.tables} for catalog in (before, after))
    came = [t for name, t in new_tables.items() if name not in old_tables]
    for name, table in old_tables.items():
        if name not in new_tables:
            alike = tuple(str(t.name) for t in came if _alike(table, t))
            if alike:
                yield Decision(kind="table", old=str(name), new=alike)
            continue
        known = {c.name for c in table.columns}
        fresh = [c for c in new_tables[name].columns if c.name not in known and not c.inherited]
        for column in table.columns:
            if new_tables[name].column(column.name) is None and not column.inherited:
                alike = tuple(f"{name}.{quote(c.name)}" for c in fresh if _same_type(column, c))
                if alike:
                    yield Decision(kind="column", old=f"{name}.{quote(column.name)}", new=alike)
    enums = {e.name: e for e in after.enums}
    for enum in before.enums:
        labels = enums[enum.name].labels if enum.name in enums else enum.labels
        added = tuple(f"{enum.name}.{quote(label)}" for label in labels if label not in enum.labels)
        for label in enum.labels:
            if label not in labels and added:
                yield Decision(kind="enum label", old=f"{enum.name}.{quote(label)}", new=added)


def _alike(old: Table, new: Table) -> bool:
    shapes = [sorted((c.name, c.type) for c in table.columns) for table in (old, new)]
    return old.kind == new.kind and shapes[0] == shapes[1]


def _same_type(old: Column, new: Column) -> bool:
    return (old.type, old.generated) == (new.type, new.generated)


def renaming(before: Catalog, decisions: Decisions) -> tuple[str, ...]:
    """The statements that carry out the renames of ``decisions`` on a database with the catalog ``before``.

    Raises UsageError for a name that is not there.
    """
    deepest = sorted(decisions.renames, key=lambda pair: -len(parts(pair[0])))  # columns before their tables
    return tuple(text for old, new in deepest for text in _rename(before, old, new))


def _rename(catalog: Catalog, old: str, new: str) -> list[str]:
    was, becomes = parts(old), parts(new)
    table = catalog.table(Name(*_pair(was)))
    if table is not None and len(was) <= 2 and len(becomes) <= 2:
        return _moved(table.name, Name(*_pair(becomes)))
    owner, member, wanted = Name(*_pair(was[:-1])), was[-1], becomes[-1]
    table = catalog.table(owner)
    if table is not None and table.column(member) is not None:
        return [f"ALTER TABLE {table.name} RENAME COLUMN {quote(member)} TO {quote(wanted)}"]
    enum = next((e for e in catalog.enums if e.name == owner.within("public")), None)
    if enum is not None and member in enum.labels:
        return [f"ALTER TYPE {enum.name} RENAME VALUE {literal(member)} TO {literal(wanted)}"]
    raise UsageError(f"there is no table, column or enum label {old} to rename")


def _moved(old: Name, new: Name) -> list[str]:
    texts = []
    if new.schema is not None and new.schema != old.schema:
        texts.append(f"ALTER TABLE {old} SET SCHEMA {quote(new.schema)}")
        old = Name(new.schema, old.name)
    return texts + [f"ALTER TABLE {old} RENAME TO {quote(new.name)}"] * (old.name != new.name)


def parts(word: str) -> tuple[str, ...]:
    """``public."Token".symbol`` in its parts, without quotes; ``public`` is understood where a table's schema lacks."""
    found: list[str] = []
    rest = word.strip()
    while rest:
        if rest.startswith('"'):
            end = rest.find('"', 1)
            while rest[end + 1 : end + 2] == '"':
                end = rest.find('"', end + 2)
            if end < 0:
                raise UsageError(f"the quotes of {word} do not end")
            found.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :].removeprefix(".")
        else:
            name, _, rest = rest.partition(".")
            found.append(name)
    return tuple(found[1:] if len(found) > 1 and found[0] == "public" else found)


def _pair(found: Iterable[str]) -> tuple[str | None, str]:
    names = list(found)
    return (names[0], names[1]) if len(names) > 1 else (None, names[0] if names else "")
