"""Enums, domains, composites and ranges: made, changed in place, or set aside for a new one of the same name."""

from __future__ import annotations

from pgassay.catalog.ddl.texts import comment
from pgassay.catalog.model import Column, Composite, Constraint, Domain, Enum, Range
from pgassay.model import Name, literal, quote

Type = Enum | Domain | Composite | Range


def word(type: Type) -> str:
    """DOMAIN or TYPE."""
    return "DOMAIN" if isinstance(type, Domain) else "TYPE"


def create(type: Type, constraints: tuple[Constraint, ...] = ()) -> list[str]:
    """CREATE TYPE or DOMAIN, with those constraints of the domain that may stand in it."""
    texts = [_create(type, constraints), *comment(f"{word(type)} {type.name}", None, type.comment)]
    for attribute in type.attributes if isinstance(type, Composite) else ():
        texts += comment(f"COLUMN {type.name}.{quote(attribute.name)}", None, attribute.comment)
    return texts


def _create(type: Type, constraints: tuple[Constraint, ...]) -> str:
    match type:
        case Enum():
            return f"CREATE TYPE {type.name} AS ENUM ({', '.join(map(literal, type.labels))})"
        case Domain():
            parts = [f"CREATE DOMAIN {type.name} AS {type.type}"]
            parts += [f"COLLATE {type.collation}"] if type.collation else []
            parts += [f"DEFAULT {type.default}"] if type.default is not None else []
            parts += ["NOT NULL"] if type.not_null else []
            parts += [f"CONSTRAINT {quote(c.name)} {c.definition}" for c in constraints]
            return " ".join(parts)
        case Composite():
            return f"CREATE TYPE {type.name} AS ({', '.join(map(_attribute, type.attributes))})"
    options = {
        "SUBTYPE": type.subtype,
        "SUBTYPE_OPCLASS": type.operator_class,
        "COLLATION": type.collation,
        "SUBTYPE_DIFF": _function(type.difference),
        "MULTIRANGE_TYPE_NAME": None if type.multirange is None else type.multirange,
    }
    said = ", ".join(f"{name} = {value}" for name, value in options.items() if value is not None)
    return f"CREATE TYPE {type.name} AS RANGE ({said})"


def _function(signature: str | None) -> str | None:
    return None if signature is None else signature.partition("(")[0]


def _attribute(attribute: Column) -> str:
    collation = f" COLLATE {attribute.collation}" if attribute.collation else ""
    return f"{quote(attribute.name)} {attribute.type}{collation}"


def alter(before: Type, after: Type) -> list[str] | None:
    """The statements that change a type in place, or None where that cannot be."""
    texts: list[str] | None = []
    match before, after:
        case Enum(), Enum():
            texts = _labels(before, after)
        case Domain(), Domain():
            texts = _domain(before, after)
        case Composite(), Composite():
            texts = _composite(before, after)
        case Range(), Range():
            shape = [(t.subtype, t.collation, t.operator_class, t.difference, t.multirange) for t in (before, after)]
            texts = [] if shape[0] == shape[1] else None
        case _:
            return None
    if texts is None:
        return None
    return texts + comment(f"{word(after)} {after.name}", before.comment, after.comment)


def _labels(before: Enum, after: Enum) -> list[str] | None:
    if [label for label in after.labels if label in before.labels] != list(before.labels):
        return None
    texts, known = [], list(before.labels)
    for place, label in enumerate(after.labels):
        if label not in known:
            if place:
                where = f" AFTER {literal(after.labels[place - 1])}"
            else:
                where = f" BEFORE {literal(known[0])}" if known else ""
            if known and after.labels[:place] == tuple(known):
                where = ""
            texts.append(f"ALTER TYPE {after.name} ADD VALUE {literal(label)}{where}")
            known.insert(place, label)
    return texts


def _domain(before: Domain, after: Domain) -> list[str] | None:
    if (before.type, before.collation) != (after.type, after.collation):
        return None
    head = f"ALTER DOMAIN {after.name}"
    texts = []
    if before.default != after.default:
        texts.append(f"{head} DROP DEFAULT" if after.default is None else f"{head} SET DEFAULT {after.default}")
    if before.not_null != after.not_null:
        texts.append(f"{head} {'SET' if after.not_null else 'DROP'} NOT NULL")
    return texts


def _composite(before: Composite, after: Composite) -> list[str] | None:
    old, new = {a.name: a for a in before.attributes}, {a.name: a for a in after.attributes}
    kept = [name for name in old if name in new]
    if list(new)[: len(kept)] != kept:
        return None  # attributes are added at the end alone, and values are written by position
    texts = [f"ALTER TYPE {after.name} DROP ATTRIBUTE {quote(name)} CASCADE" for name in old if name not in new]
    for name, attribute in new.items():
        place = f"COLUMN {after.name}.{quote(name)}"
        if name not in old:
            texts.append(f"ALTER TYPE {after.name} ADD ATTRIBUTE {_attribute(attribute)} CASCADE")
        elif (old[name].type, old[name].collation) != (attribute.type, attribute.collation):
            return None
        texts += comment(place, old[name].comment if name in old else None, attribute.comment)
    return texts


def aside(type: Type) -> Name:
    """The name that a type bears while a new one takes its place."""
    return type.name.named(f"{type.name.name.encode()[:50].decode(errors='ignore')}__before")


def set_aside(type: Type) -> list[str]:
    """Make room for another type of the same name."""
    return [f"ALTER {word(type)} {type.name} RENAME TO {quote(aside(type).name)}"]


def conversion(column: str, type: str, before: Type | None, after: Type | None) -> str:
    """The expression that turns a column of a type that was set aside into the new one of that name."""
    array = "[]" if type.endswith("[]") else ""
    if isinstance(before, Composite) and isinstance(after, Composite) and not array:
        old = {a.name for a in before.attributes}
        fields = ", ".join(
            f"(({column}).{quote(a.name)})::text::{a.type}" if a.name in old else f"NULL::{a.type}"
            for a in after.attributes
        )
        return f"CASE WHEN {column}::text IS NOT NULL THEN ROW({fields})::{type} END"
    return f"{column}::text{array}::{type}"
