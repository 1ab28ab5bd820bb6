"""Pieces of SQL that several kinds of objects share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pgassay.catalog.ddl.nodes import Grants, Node
from pgassay.catalog.model import Column, Grant, Sequence
from pgassay.model import Name, literal, quote

_BOUNDS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


def comment(target: str, before: str | None, after: str | None) -> list[str]:
    """COMMENT ON, where that changed."""
    if before == after:
        return []
    return [f"COMMENT ON {target} IS {literal(after) if after is not None else 'NULL'}"]


def setting(option: str) -> str:
    """``fillfactor=70`` as it stands in WITH (…)."""
    name, _, value = option.partition("=")
    return f"{name}={literal(value)}"


def options(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """SET (…) and RESET (…)."""
    old, new = dict(o.split("=", 1) for o in before), dict(o.split("=", 1) for o in after)
    gone = sorted(old.keys() - new.keys())
    changed = [f"{name}={literal(value)}" for name, value in new.items() if old.get(name) != value]
    return [f"RESET ({', '.join(gone)})"] * bool(gone) + [f"SET ({', '.join(changed)})"] * bool(changed)


def foreign_options(before: Iterable[str], after: Iterable[str]) -> str | None:
    """OPTIONS (ADD …, SET …, DROP …) of foreign tables and their columns."""
    old, new = dict(o.split("=", 1) for o in before), dict(o.split("=", 1) for o in after)
    texts = [f"DROP {quote(name)}" for name in sorted(old.keys() - new.keys())]
    for name, value in new.items():
        if old.get(name) != value:
            texts.append(f"{'SET' if name in old else 'ADD'} {quote(name)} {literal(value)}")
    return f"OPTIONS ({', '.join(texts)})" if texts else None


def sequence_options(sequence: Sequence, before: Sequence | None = None) -> list[str]:
    """START, INCREMENT and so on: those that are not the usual ones, or not those of ``before``."""
    up = sequence.increment > 0
    bound = _BOUNDS[sequence.type]
    if before is None:
        usual = (1 if up else -bound, bound - 1 if up else -1)
        before = Sequence(
            name=sequence.name, type="bigint", start=sequence.minimum if up else sequence.maximum, increment=1,
            minimum=usual[0], maximum=usual[1], cache=1, cycle=False,
        )  # fmt: skip
    texts = []
    if sequence.type != before.type:
        texts.append(f"AS {sequence.type}")
    if sequence.increment != before.increment:
        texts.append(f"INCREMENT BY {sequence.increment}")
    retyped = sequence.type != before.type
    if sequence.minimum != before.minimum or retyped:
        texts.append(f"MINVALUE {sequence.minimum}")
    if sequence.maximum != before.maximum or retyped:
        texts.append(f"MAXVALUE {sequence.maximum}")
    if sequence.start != before.start:
        texts.append(f"START WITH {sequence.start}")
    if sequence.cache != before.cache:
        texts.append(f"CACHE {sequence.cache}")
    if sequence.cycle != before.cycle:
        texts.append("CYCLE" if sequence.cycle else "NO CYCLE")
    return texts


def fresh_options(sequence: Sequence) -> list[str]:
    """The options of a sequence that is made: nothing that PostgreSQL assumes anyway."""
    up, bound = sequence.increment > 0, _BOUNDS[sequence.type]
    usual = Sequence(
        name=sequence.name, type=sequence.type, start=sequence.minimum if up else sequence.maximum, increment=1,
        minimum=1 if up else -bound, maximum=bound - 1 if up else -1, cache=1, cycle=False,
    )  # fmt: skip
    return sequence_options(sequence, usual)


def identity(column: Column, sequence: Sequence | None, table: Name) -> str:
    """GENERATED … AS IDENTITY, with what is unusual about its sequence."""
    said = fresh_options(sequence) if sequence is not None else []
    if sequence is not None and sequence.name != table.named(f"{table.name}_{column.name}_seq"):
        said.insert(0, f"SEQUENCE NAME {sequence.name}")
    inside = f" ({' '.join(said)})" if said else ""
    return f"GENERATED {(column.identity or '').upper()} AS IDENTITY{inside}"


def grants(before: Iterable[Grant], after: Grants, *, kept: Iterable[str] | None = None) -> list[str]:
    """REVOKE and GRANT. Columns that are not ``kept`` lost their privileges with themselves."""
    alive = None if kept is None else set(kept)
    old, new = _exploded(before, after.owner), _exploded(after.grants, after.owner)
    if alive is not None:
        old = {entry for entry in old if not entry[1] or entry[1] in alive}
    texts = []
    deprived = any(g.grantee == after.owner and not g.columns for g in after.grants)
    if deprived:
        texts.append(f"REVOKE ALL ON {after.target} FROM {_role(after.owner)}")
    elif any(g.grantee == after.owner and not g.columns for g in before):
        texts.append(f"GRANT ALL ON {after.target} TO {_role(after.owner)}")
    for line in _lines(old - new, after.target):
        texts.append(f"REVOKE {line[0]} ON {line[1]} FROM {line[2]}")
    for line in _lines(new - old, after.target):
        texts.append(f"GRANT {line[0]} ON {line[1]} TO {line[2]}{line[3]}")
    return texts


_BIRTH = re.compile(
    r"ALTER DEFAULT PRIVILEGES FOR ROLE (\S+?)(?: IN SCHEMA (\S+))? (GRANT|REVOKE) (.+) ON (\w+) (?:TO|FROM) (\S+)"
    r"( WITH GRANT OPTION)?"
)
_PLURALS = {"table": "TABLES", "view": "TABLES", "sequence": "SEQUENCES", "type": "TYPES", "schema": "SCHEMAS"}


def born(node: Node, lines: Iterable[str]) -> tuple[Grant, ...]:
    """What an object's access list is made of when it comes, under these default privileges."""
    thing: Grants = node.thing
    given = {(g.grantee, privilege, g.grantable) for g in thing.usual for privilege in g.privileges}
    for line in lines:
        found = _BIRTH.fullmatch(line)
        if found is None or found[1] != quote(thing.owner) or found[5] != _PLURALS.get(node.key.member, "FUNCTIONS"):
            continue
        if found[2] is not None and found[2] != quote(node.key.name.schema or ""):
            continue
        grantee = found[6][1:-1].replace('""', '"') if found[6].startswith('"') else found[6]
        entries = {(grantee, privilege, bool(found[7])) for privilege in found[4].split(", ")}
        given = given | entries if found[3] == "GRANT" else given - entries
    return tuple(Grant(grantee=g, privileges=(p,), grantable=option) for g, p, option in sorted(given))


_Entry = tuple[str, str, str, bool]  # grantee, column, privilege, grantable


def _exploded(found: Iterable[Grant], owner: str) -> set[_Entry]:
    return {
        (g.grantee, column, privilege, g.grantable)
        for g in found
        for column in g.columns or ("",)
        for privilege in g.privileges
        if g.grantee != owner or column or g.grantable
    } | {(owner, "", p, False) for g in found if g.grantee == owner and not g.columns for p in g.privileges}


def _lines(entries: set[_Entry], target: str) -> list[tuple[str, str, str, str]]:
    groups: dict[tuple[str, bool, tuple[str, ...]], list[str]] = {}
    columns: dict[tuple[str, bool, str], list[str]] = {}
    for grantee, column, privilege, grantable in sorted(entries):
        columns.setdefault((grantee, grantable, privilege), []).append(column)
    for (grantee, grantable, privilege), names in columns.items():
        groups.setdefault((grantee, grantable, tuple(n for n in names if n)), []).append(privilege)
        if "" in names and len(names) > 1:
            groups.setdefault((grantee, grantable, ()), []).append(privilege)
    lines = []
    for (grantee, grantable, named), privileges in groups.items():
        listed = f" ({', '.join(map(quote, named))})" if named else ""
        what = ", ".join(p + listed for p in sorted(privileges))
        lines.append((what, target, _role(grantee), " WITH GRANT OPTION" if grantable else ""))
    return lines


def _role(name: str) -> str:
    return name if name == "PUBLIC" else quote(name)


def storage_parameters(definition: str) -> list[str]:
    """What stands in WITH (…) of an index."""
    found = re.search(r" WITH \(([^()]*)\)( TABLESPACE \S+)?( WHERE .*)?\Z", definition, re.S)
    return [re.sub(r"='(.*)'\Z", r"=\1", part.strip()) for part in found[1].split(",")] if found else []


def unnamed(definition: str) -> str:
    """A view's definition without the semicolon and white space around it."""
    return definition.strip().rstrip(";").rstrip()
