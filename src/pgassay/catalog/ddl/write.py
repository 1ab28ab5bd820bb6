"""SQL that makes, changes and drops each kind of piece but tables and types, which have files of their own."""

from __future__ import annotations

import re

from pgassay.catalog.ddl import tables
from pgassay.catalog.ddl.nodes import Node
from pgassay.catalog.ddl.texts import comment, fresh_options, grants, options, sequence_options, setting, unnamed
from pgassay.catalog.model import Extension, Index, Other, Routine, Schema, Sequence, Statistics, Trigger, View
from pgassay.model import Name, literal, quote

_DROPS = {"foreign-data wrapper": "FOREIGN DATA WRAPPER"}


def create(node: Node) -> list[str]:
    """The statements that make a piece."""
    thing, key = node.thing, node.key
    match key.kind:
        case "schema":
            assert isinstance(thing, Schema)
            return [f"CREATE SCHEMA {key.name}", *comment(f"SCHEMA {key.name}", None, thing.comment)]
        case "extension":
            assert isinstance(thing, Extension)
            place = "" if thing.schema == "pg_catalog" else f" WITH SCHEMA {quote(thing.schema)}"
            return [f"CREATE EXTENSION IF NOT EXISTS {key.name}{place}"]
        case "sequence":
            assert isinstance(thing, Sequence)
            said = comment(f"SEQUENCE {key.name}", None, thing.comment)
            if thing.identity:
                return said
            typed = [f"AS {thing.type}"] if thing.type != "bigint" else []
            return [" ".join([f"CREATE SEQUENCE {key.name}", *typed, *fresh_options(thing)]), *said]
        case "ownership":
            return [f"ALTER SEQUENCE {key.name} OWNED BY {thing[0]}.{quote(thing[1])}"]
        case "routine":
            assert isinstance(thing, Routine)
            return [thing.definition.strip().rstrip(";"), *comment(routine(thing), None, thing.comment)]
        case "view":
            assert isinstance(thing, View)
            return _view(thing)
        case "index":
            assert isinstance(thing, Index)
            return [_index(thing), *comment(f"INDEX {key.name}", None, thing.comment)]
        case "clustering":
            return [f"ALTER {_relation(node)} {key.name} CLUSTER ON {quote(thing)}"]
        case "trigger":
            assert isinstance(thing, Trigger)
            state = [tables.trigger_state(key.name, key.member, thing.enabled)] if thing.enabled != "origin" else []
            made = [] if thing.inherited else [thing.definition]
            return [*made, *state, *comment(f"TRIGGER {quote(key.member)} ON {key.name}", None, thing.comment)]
        case "rule":
            return [text.strip().rstrip(";") for text in re.split(r";\n(?=ALTER TABLE )", thing)]
        case "policy":
            return tables.policy(key.name, thing)
        case "replica identity":
            return [tables.replica_identity(node.owner, thing)]
        case "toast options":
            return [f"ALTER TABLE {key.name} {text}" for text in options((), thing)]
        case "statistics":
            assert isinstance(thing, Statistics)
            target = [f"ALTER STATISTICS {key.name} SET STATISTICS {thing.target}"] if thing.target is not None else []
            return [thing.definition, *target, *comment(f"STATISTICS {key.name}", None, thing.comment)]
        case "grants":
            return grants(thing.usual, thing)
    assert isinstance(thing, Other)
    return thing.sql.split(";\n") if thing.sql else []


def drop(node: Node) -> list[str]:
    """The statements that drop a piece, or put back what is usual."""
    thing, key = node.thing, node.key
    match key.kind:
        case "schema" | "extension" | "sequence" | "statistics" | "index":
            return [f"DROP {key.kind.upper()} {key.name}"]
        case "ownership":
            return [f"ALTER SEQUENCE {key.name} OWNED BY NONE"]
        case "routine":
            return [f"DROP {routine(thing)}"]
        case "view":
            return [f"DROP {'MATERIALIZED VIEW' if thing.materialized else 'VIEW'} {key.name}"]
        case "clustering":
            return [f"ALTER {_relation(node)} {key.name} SET WITHOUT CLUSTER"]
        case "trigger" | "rule" | "policy":
            return [f"DROP {key.kind.upper()} {quote(key.member)} ON {key.name}"]
        case "replica identity":
            return [tables.replica_identity(node.owner, "default")]
        case "grants":
            usual = type(thing)(thing.target, thing.owner, thing.usual, thing.usual)
            return grants(thing.grants, usual)
        case "toast options":
            return [f"ALTER TABLE {key.name} {text}" for text in options(thing, ())]
        case "default acl":
            return [_reversed(line) for line in (thing.sql or "").split(";\n") if line]
    assert isinstance(thing, Other)
    return [f"DROP {_DROPS.get(key.kind, key.kind).upper()} {thing.name}"] if thing.sql else []


def alter(before: Node, after: Node) -> list[str] | None:
    """The statements that change a piece in place; None where it has to be dropped and made anew."""
    old, new, key = before.thing, after.thing, after.key
    match key.kind:
        case "schema":
            return comment(f"SCHEMA {key.name}", old.comment, new.comment)
        case "extension":
            moved = [f"ALTER EXTENSION {key.name} SET SCHEMA {quote(new.schema)}"] if old.schema != new.schema else []
            updated = (
                [f"ALTER EXTENSION {key.name} UPDATE TO {quote(new.version)}"] if old.version != new.version else []
            )
            return moved + updated
        case "sequence":
            if old.identity != new.identity:
                return None
            said = sequence_options(new, old)
            changed = [*_moved(old, new), f"ALTER SEQUENCE {key.name} {' '.join(said)}"] if said else []
            return [*changed, *comment(f"SEQUENCE {key.name}", old.comment, new.comment)]
        case "ownership":
            return create(after)
        case "routine":
            return _routine(old, new)
        case "view":
            return _replace(old, new)
        case "index":
            if tables.index_shape(old) != tables.index_shape(new):
                return None
            return comment(f"INDEX {key.name}", old.comment, new.comment)
        case "trigger":
            if not new.inherited and old.definition != new.definition:
                return None
            state = [tables.trigger_state(key.name, key.member, new.enabled)] if old.enabled != new.enabled else []
            return state + comment(f"TRIGGER {quote(key.member)} ON {key.name}", old.comment, new.comment)
        case "clustering" | "replica identity":
            return create(after)
        case "toast options":
            return [f"ALTER TABLE {key.name} {text}" for text in options(old, new)]
        case "policy":
            if (old.command, old.permissive) != (new.command, new.permissive):
                return None
            if (old.roles, old.using, old.check) != (new.roles, new.using, new.check):
                return None
            return comment(f"POLICY {quote(key.member)} ON {key.name}", old.comment, new.comment)
        case "statistics":
            if old.definition != new.definition or old.table != new.table:
                return None
            target = -1 if new.target is None else new.target
            said = [f"ALTER STATISTICS {key.name} SET STATISTICS {target}"] if old.target != new.target else []
            return said + comment(f"STATISTICS {key.name}", old.comment, new.comment)
        case "grants":
            return grants(old.grants, new)
    return None


def _moved(old: Sequence, new: Sequence) -> list[str]:
    """Bring a sequence's position within its new bounds, which must hold it."""
    low, high = max(old.minimum, new.minimum), min(old.maximum, new.maximum)
    if (low, high) == (old.minimum, old.maximum) or low > high:
        return []
    place = f"LEAST(GREATEST(last_value, {low}), {high})"
    return [f"SELECT pg_catalog.setval({literal(str(new.name))}, {place}, is_called) FROM {new.name}"]


def routine(routine: Routine) -> str:
    """FUNCTION name(arguments), as DROP and COMMENT want it."""
    word = {"procedure": "PROCEDURE", "aggregate": "AGGREGATE"}.get(routine.kind, "FUNCTION")
    arguments = "*" if routine.kind == "aggregate" and not routine.arguments else routine.arguments
    return f"{word} {routine.name}({arguments})"


def _routine(old: Routine, new: Routine) -> list[str] | None:
    replaced: list[str] = []
    if old.definition != new.definition:
        if (old.kind, old.result) != (new.kind, new.result) or new.defaults < old.defaults or new.kind == "aggregate":
            return None
        replaced = [new.definition.strip().rstrip(";")]
    return replaced + comment(routine(new), old.comment, new.comment)


def _view(view: View) -> list[str]:
    said = f" WITH ({', '.join(map(setting, view.options))})" if view.options else ""
    word = "MATERIALIZED VIEW" if view.materialized else "VIEW"
    data = " WITH NO DATA" if view.materialized and not view.populated else ""
    texts = [f"CREATE {word} {view.name}{said} AS\n{unnamed(view.definition)}{data}"]
    texts += comment(f"{word} {view.name}", None, view.comment)
    return texts + _view_columns(None, view)


def _view_columns(before: View | None, after: View) -> list[str]:
    old = {c.name: c for c in before.columns} if before else {}
    texts = []
    for column in after.columns:
        known = old.get(column.name)
        start = f"{tables.head(after)} ALTER COLUMN {quote(column.name)}"
        if (known.default if known else None) != column.default:
            what = f"SET DEFAULT {column.default}" if column.default is not None else "DROP DEFAULT"
            texts.append(f"{start} {what}")
        if after.materialized:
            if (known.storage if known else None) != column.storage:
                texts.append(f"{start} SET STORAGE {tables.storage(column)}")
            if (known.compression if known else None) != column.compression:
                texts.append(f"{start} SET COMPRESSION {column.compression or 'default'}")
            if (known.statistics if known else None) != column.statistics:
                texts.append(f"{start} SET STATISTICS {-1 if column.statistics is None else column.statistics}")
            texts += [f"{start} {text}" for text in options(known.options if known else (), column.options)]
        place = f"COLUMN {after.name}.{quote(column.name)}"
        texts += comment(place, known.comment if known else None, column.comment)
    return texts


def _replace(old: View, new: View) -> list[str] | None:
    word = "MATERIALIZED VIEW" if new.materialized else "VIEW"
    if old.materialized != new.materialized:
        return None
    texts = []
    if old.definition != new.definition:
        shapes = [[(c.name, c.type, c.collation) for c in view.columns] for view in (old, new)]
        if new.materialized or shapes[1][: len(shapes[0])] != shapes[0]:
            return None
        said = f" WITH ({', '.join(map(setting, new.options))})" if new.options else ""
        texts.append(f"CREATE OR REPLACE VIEW {new.name}{said} AS\n{unnamed(new.definition)}")
    elif old.options != new.options:
        texts += [f"ALTER {word} {new.name} {text}" for text in options(old.options, new.options)]
    if new.materialized and old.populated != new.populated:
        texts.append(f"REFRESH MATERIALIZED VIEW {new.name} WITH {'' if new.populated else 'NO '}DATA")
    return [*texts, *comment(f"{word} {new.name}", old.comment, new.comment), *_view_columns(old, new)]


def only(index: Index) -> str:
    """CREATE INDEX on a partitioned table alone."""
    return _index(index).replace(" ON ", " ON ONLY ", 1) if " ON ONLY " not in index.definition else index.definition


def _index(index: Index) -> str:
    """CREATE INDEX. On a partitioned table it takes the partitions' own indexes in, which are there before."""
    text = re.sub(r"\A(CREATE (?:UNIQUE )?INDEX \S.*? ON) ONLY ", r"\1 ", index.definition, count=1, flags=re.S)
    if index.tablespace:
        head, where, predicate = text.partition(" WHERE ")
        text = f"{head} TABLESPACE {quote(index.tablespace)}{where}{predicate}"
    return text


def _relation(node: Node) -> str:
    return "MATERIALIZED VIEW" if isinstance(node.owner, View) else "TABLE"


def _reversed(line: str) -> str:
    if " REVOKE " in line:
        head, _, rest = line.partition(" REVOKE ")
        what, _, who = rest.rpartition(" FROM ")
        return f"{head} GRANT {what} TO {who}"
    head, _, rest = line.partition(" GRANT ")
    what, _, who = rest.rpartition(" TO ")
    return f"{head} REVOKE {what} FROM {who.removesuffix(' WITH GRANT OPTION')}"


def names_taken(node: Node) -> tuple[str, Name] | None:
    """The name that a piece occupies, by the space that it must be unique in."""
    kind, name = node.key.kind, node.key.name
    if kind in ("table", "view", "sequence", "index", "type"):
        return "relation", name
    if kind == "constraint" and node.thing[1] is not None:
        return "relation", name.named(node.thing[1].name)
    if kind == "routine":
        return "routine", name
    return None
