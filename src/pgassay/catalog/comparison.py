"""The difference of two catalogs, as lines that a person can read. Renames are never guessed here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from pgassay.catalog.model import (
    Catalog,
    Column,
    Constraint,
    Domain,
    Enum,
    Extension,
    Grant,
    Index,
    Other,
    Routine,
    Schema,
    Statistics,
    Trigger,
    View,
)
from pgassay.model import Name, quote

Kind = Literal["added", "removed", "changed"]

_NOUNS = {
    "schemas": "schema", "extensions": "extension", "enums": "enum", "domains": "domain", "composites": "type",
    "ranges": "range", "sequences": "sequence", "tables": "table", "views": "view", "routines": "routine",
    "statistics": "statistics", "others": "object",
}  # fmt: skip
_MEMBERS = {
    "columns": "column", "attributes": "attribute", "constraints": "constraint", "indexes": "index",
    "triggers": "trigger", "policies": "policy",
}  # fmt: skip
# What follows from another field, and is not worth a line where that one has changed.
_DERIVED: dict[type, tuple[str, frozenset[str]]] = {
    Column: ("type", frozenset({"base", "category", "element", "type_not_null", "type_default"})),
    Domain: ("type", frozenset({"base", "category"})),
    Constraint: ("definition", frozenset(f.name for f in fields(Constraint)) - {"name", "comment", "inherited"}),
    Index: ("definition", frozenset(f.name for f in fields(Index)) - {"name", "comment", "valid", "partition_of"}),
    Trigger: ("definition", frozenset({"function"})),
    Routine: ("definition", frozenset({"kind", "result", "language", "security_definer", "volatility"})),
}
_LONG = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. ``object`` says which, readably (``column public.token.symbol``).

    ``noun`` is its first word; ``name`` the schema-level object that it is or belongs to (a bare name for schemas and
    extensions), ``member`` the column, constraint, index … in that. ``part`` is what has changed, None where the
    object itself came or went; then ``before`` or ``after`` holds a short description of it.
    """

    kind: Kind
    object: str
    noun: str
    name: Name
    member: str | None = None
    part: str | None = None
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.part is None:
            what = self.after if self.kind == "added" else self.before
            return f"{self.object}: {self.kind}" + (f" ({_cut(_shown(what, 'type'))})" if what else "")
        before, after = _shown(self.before, self.part), _shown(self.after, self.part)
        if before == after:  # they differ in white space alone
            before, after = repr(self.before), repr(self.after)
        before, after = _window(before, after)
        return f"{self.object}: {self.part} {before} → {after}"


def compare(before: Catalog, after: Catalog) -> tuple[Change, ...]:
    """What has to change for ``before`` to become ``after``: empty if, and only if, they are equal.

    A table (view, type …) that came or went is one change, with all that belongs to it; so is a constraint with its
    index. Owners and the server's version do not count.
    """
    found: list[Change] = []
    for field, noun in _NOUNS.items():
        old, new = getattr(before, field), getattr(after, field)
        found += _collection(noun, None, field, old, new)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a change is about."""

    noun: str
    name: Name
    member: str | None
    object: str

    def change(self, kind: Kind, part: str | None = None, before: Any = None, after: Any = None) -> Change:
        return Change(
            kind=kind, object=self.object, noun=self.noun, name=self.name, member=self.member, part=part,
            before=_text(before), after=_text(after),
        )  # fmt: skip


def _subject(noun: str, within: _Subject | None, thing: Any) -> _Subject:
    if within is not None:
        member = quote(thing.name)
        path = Name(within.name.schema, thing.name) if noun == "index" else f"{within.name}.{member}"
        return _Subject(noun, within.name, thing.name, f"{noun} {path}")
    name = thing.name if isinstance(thing.name, Name) else Name(None, thing.name)
    if isinstance(thing, Routine):
        return _Subject(thing.kind, name, None, f"{thing.kind} {name}({thing.arguments})")
    if isinstance(thing, Other):
        return _Subject(thing.kind, name, None, f"{thing.kind} {thing.name}")
    if isinstance(thing, View) and thing.materialized:
        noun = "materialized view"
    return _Subject(noun, name, None, f"{noun} {name}")


def _collection(
    noun: str, within: _Subject | None, field: str, before: Sequence[Any], after: Sequence[Any]
) -> list[Change]:
    """The changes of a tuple of named objects."""
    if before == after:
        return []
    old, new = {_key(thing): thing for thing in before}, {_key(thing): thing for thing in after}
    changes = []
    for key, thing in old.items():
        subject = _subject(noun, within, thing)
        if key not in new:
            changes.append(subject.change("removed", before=_summary(thing)))
        else:
            changes += _object(subject, thing, new[key])
    changes += [
        _subject(noun, within, thing).change("added", after=_summary(thing))
        for key, thing in new.items()
        if key not in old
    ]
    # Columns have an order; and should two objects share a name, the difference must not be lost.
    common = old.keys() & new.keys()
    orders = [[thing.name for thing in things if _key(thing) in common] for things in (before, after)]
    if orders[0] != orders[1] or not changes:
        name = Name(None, field)
        subject = within or _Subject("catalog", name, None, f"catalog {field}")
        changes.append(subject.change("changed", f"{noun} order", *map(tuple, orders)))
    return changes


def _key(thing: Any) -> tuple[Any, ...]:
    match thing:
        case Routine():
            return thing.name, thing.arguments
        case Other():
            return thing.name, thing.kind
    return (thing.name,)


def _object(subject: _Subject, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    known_by, derived = _DERIVED.get(type(before), ("", frozenset()))
    implied = derived - {known_by} if known_by and getattr(before, known_by) != getattr(after, known_by) else set()
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if not field.compare or old == new or field.name in implied:
            continue
        if field.name in _MEMBERS and all(hasattr(thing, "name") for thing in (*old, *new)):
            changes = _collection(_MEMBERS[field.name], subject, field.name, old, new)
            yield from _without_indexes_of_constraints(changes, before, after)
        else:
            yield subject.change("changed", field.name.replace("_", " "), old, new)


def _without_indexes_of_constraints(changes: list[Change], before: Any, after: Any) -> Iterator[Change]:
    old, new = (
        {c.index for c in getattr(table, "constraints", ()) if c.index is not None} for table in (before, after)
    )
    for change in changes:
        came_with = change.kind == "added" and change.member in new - old
        went_with = change.kind == "removed" and change.member in old - new
        if change.noun != "index" or not (came_with or went_with):
            yield change


def _summary(thing: Any) -> str | None:
    match thing:
        case Column():
            return thing.type + (" not null" if thing.not_null else "")
        case Constraint() | Index() | Trigger() | View() | Statistics():
            return thing.definition
        case Enum():
            return ", ".join(thing.labels)
        case Domain():
            return thing.type
        case Extension() | Schema():
            return getattr(thing, "version", None)
    return None


def _text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "yes" if value else "no"
        case Grant():
            columns = f" ({', '.join(value.columns)})" if value.columns else ""
            option = " with grant option" if value.grantable else ""
            return f"{', '.join(value.privileges) or 'nothing'}{columns} to {value.grantee}{option}"
        case tuple():
            separator = "; " if any(isinstance(item, Grant) for item in value) else ", "
            return separator.join(str(_text(item)) for item in value) or None
    return str(value)


_LONG_TYPES = (
    (re.compile(r"\bcharacter varying\b"), "varchar"),
    (re.compile(r"\bcharacter(?=\()"), "char"),
    (re.compile(r"\btime(stamp)?(\(\d\))? with time zone\b"), r"time\1tz\2"),
    (re.compile(r"\btime(stamp)?(\(\d\))? without time zone\b"), r"time\1\2"),
)


def _shown(text: str | None, part: str | None) -> str:
    """The text in one line; types by the names that people use."""
    if text is None:
        return "none"
    line = " ".join(text.split()) or "''"
    if part == "type":
        for pattern, name in _LONG_TYPES:
            line = pattern.sub(name, line)
    return line


def _cut(line: str) -> str:
    return line if len(line) <= _LONG else line[:_LONG] + "…"


def _window(before: str, after: str) -> tuple[str, str]:
    """Two long texts from a little before the place where they part."""
    if max(len(before), len(after)) <= _LONG:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    parting = next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))
    start = max(0, parting - 30)
    dots = "…" if start else ""
    return _cut(dots + before[start:]), _cut(dots + after[start:])
