"""From gaps in a history to the DDL that fills them, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.model import Name, literal, quote
from pgassay.rehearsal.presume_types import a_default, resolve
from pgassay.sql.usage_objects import Column, Constraint, Index, Relation, Routine, Type
from pgassay.sql.usage_world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Something taken to exist. ``table`` is the table concerned, where there is one."""

    object: str
    text: str
    table: Name | None = None


@dataclass(slots=True)
class Draft:
    """The DDL so far."""

    statements: list[str]
    assumed: list[Assumption]

    def say(self, object: str, text: str, place: str, table: Name | None = None) -> None:
        """One sentence for one thing assumed."""
        sentence = f"{object}{text}: named by {place} and created by nobody"
        self.assumed.append(Assumption(object=object, text=sentence, table=table))


def draft(world: World) -> Draft:
    """The DDL, in an order that works on an empty database, and what it assumes."""
    out = Draft([], [])
    schemas = ["public", *world.schemas]
    for schema, place in world.schemas.items():
        out.statements.append(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        out.say(f"schema {quote(schema)}", "", place)
    for role in world.owners:
        out.statements.append(f"GRANT CREATE, USAGE ON SCHEMA {', '.join(map(quote, schemas))} TO {quote(role)}")
    for extension, place in world.extensions.items():
        out.statements.append(f"CREATE EXTENSION IF NOT EXISTS {quote(extension)}")
        out.say(f"extension {quote(extension)}", "", place)
    types = world.presumed_types()
    tables = [r for r in world.presumed if r.kind in ("table", "foreign table")]
    _label(world, types)
    out.statements += _types(out, types)
    _align(tables)
    sequences = [r for r in world.presumed if r.kind == "sequence"]
    for sequence in sequences:
        out.statements.append(f"CREATE SEQUENCE {sequence.name}")
        out.say(f"sequence {sequence.name}", "", sequence.place)
    for routine in (r for r in world.routines if r.presumed):
        out.statements.append(_routine(routine))
        out.say(f"{routine.kind} {routine.name}", "", routine.place)
    for index in world.presumed_indexes():
        for column in index.columns if index.required else ():
            column.not_null = True
    ordered = sorted(tables, key=lambda t: t.partition_of is not None or bool(t.parents))
    for table in ordered:
        siblings = [t for t in tables if t.partition_of is not None and t.partition_of is table.partition_of]
        out.statements.append(_table(table, types, siblings))
        names = {c: _shown(c, table) for c in table.originals.values()}
        with_columns = f" with columns {', '.join(names.values())}" if names else ""
        out.say(f"table {table.name}", with_columns, table.place, table.name)
    for table in tables:
        out.statements += _constraints(table)
    for table in tables:
        out.statements += list(_attachments(out, table))
    for view in (r for r in world.presumed if r.kind in ("view", "materialized view")):
        out.statements += list(_view(view))
        out.say(f"{view.kind} {view.name}", "", view.place, view.name)
    for index in world.presumed_indexes():
        statement = _index(index)
        if statement:
            out.statements.append(statement)
            out.say(f"index {index.name}", f" on {index.table.name}" if index.table else "", index.place)
    for (kind, name), place in world.others.items():
        statement = _other(kind, name, tables)
        if statement:
            out.statements.append(statement)
            out.say(f"{kind} {name}", "", place)
    return out


def _label(world: World, types: list[Type]) -> None:
    """Enum labels that string literals meet, and the columns' own types, from every column of the history."""
    columns = [*world.columns, *(c for r in world.presumed for c in r.originals.values())]
    for column in columns:
        text = resolve(column)
        used = next((t for t in types if text in _spellings(t)), None)
        if used is not None and used.kind in ("enum", "unknown"):
            for label in column.literals:
                used.label(label)


def _spellings(type: Type) -> tuple[str, str]:
    return str(type.name), str(Name(None, type.name.name))


def _align(tables: list[Relation]) -> None:
    """Partitions and children have their parents' columns, and the other way round."""
    for _ in range(2):
        for table in tables:
            others = [*table.like, *table.parents, *([table.partition_of] if table.partition_of else [])]
            for other in others:
                for name, column in list(other.columns.items()):
                    if name not in table.originals:
                        table.originals[name] = table.columns[name] = _copy(column)
                    elif table.originals[name] is not column:
                        table.originals[name].like(column)
                if other.presumed and other.kind == "table" and other not in table.parents:
                    for name, column in list(table.originals.items()):
                        if name not in other.originals and name not in other.gone:
                            other.originals[name] = other.columns[name] = _copy(column)


def _copy(column: Column) -> Column:
    made = Column(column.name, column.place, not_null=column.not_null)
    made.like(column)
    return made


def _types(out: Draft, types: list[Type]) -> Iterator[str]:
    for used in types:
        match used.kind:
            case "domain":
                base = resolve(used.value) if used.value is not None else "text"
                extra = "".join(
                    f" CONSTRAINT {quote(n)} CHECK (VALUE IS NOT NULL OR VALUE IS NULL)" for n in used.constraints
                )
                extra = (
                    (f" DEFAULT {a_default(base, '', [])}" if used.default else "")
                    + (" NOT NULL" if used.not_null else "")
                    + extra
                )
                out.say(f"domain {used.name}", f" over {base}", used.place)
                yield f"CREATE DOMAIN {used.name} AS {base}{extra}"
            case "composite":
                attributes = ", ".join(f"{quote(n)} {t}" for n, t in used.attributes.items()) or "value text"
                out.say(f"type {used.name}", f" with attributes {attributes}", used.place)
                yield f"CREATE TYPE {used.name} AS ({attributes})"
            case _:
                fillers = (t for t in ("first", "second", "third", "fourth") if t not in used.avoid)
                while len(used.labels) < 2:
                    used.labels.append(next(fillers))
                labels = ", ".join(literal(label) for label in used.labels)
                out.say(f"enum {used.name}", f" with labels {labels}", used.place)
                yield f"CREATE TYPE {used.name} AS ENUM ({labels})"


def _routine(routine: Routine) -> str:
    arguments = [("text" if a == "?" else a) for a in routine.arguments or ()]
    if routine.kind == "procedure":
        return f"CREATE PROCEDURE {routine.name}({', '.join(arguments)}) LANGUAGE plpgsql AS 'BEGIN END'"
    if routine.kind == "aggregate":
        base = arguments[0] if arguments else "integer"
        return f"CREATE AGGREGATE {routine.name}({base}) (SFUNC = pg_catalog.array_append, STYPE = {base}[])"
    result = routine.result or "text"
    if result == "trigger":
        body = "'BEGIN RETURN COALESCE(NEW, OLD); END'"
    elif result == "event_trigger":
        body = "'BEGIN END'"
    elif result == "uuid" and routine.name.name.startswith("uuid_generate"):
        body = "'BEGIN RETURN pg_catalog.gen_random_uuid(); END'"
    else:
        body = "'BEGIN RETURN NULL; END'"
    # IMMUTABLE, so that an index may use it.
    volatile = "" if result in ("trigger", "event_trigger", "uuid") else " IMMUTABLE"
    return (
        f"CREATE FUNCTION {routine.name}({', '.join(arguments)}) RETURNS {result} LANGUAGE plpgsql{volatile} AS {body}"
    )


def prepare(table: Relation) -> None:
    """Give a presumed table a primary key, unless the SQL adds one itself."""
    if table.primary or table.own_primary_key or table.kind != "table":
        return
    if any(not other.presumed for other in table.like) and "id" not in table.originals:
        return  # it has the columns of a partition that the SQL made, and no others
    identifier = table.originals.get("id")
    if identifier is None:
        if "id" in table.columns or "id" in table.gone:
            name = next(n for n in ("row_id", "row_number_", "key_") if n not in table.originals)
        else:
            name = "id"
        identifier = Column(name, table.place, hints=[(100, "bigint")])
        first = {} if table.positional else {name: identifier}
        table.originals = {**first, **table.originals, name: identifier}
    table.primary = (identifier,)


def _definition(column: Column, table: Relation, types: list[Type]) -> str:
    type = resolve(column)
    parts = [quote(column.name), type]
    primary = column in table.primary
    if table.like and primary and not column.identity:
        return " ".join(parts)  # a partition gets identity and defaults from its parent
    if column.identity or (
        primary and type in ("bigint", "integer", "smallint") and not column.plain and len(table.primary) == 1
    ):
        parts.append("GENERATED BY DEFAULT AS IDENTITY")
        return " ".join(parts)
    if column.expression:
        parts.append(f"GENERATED ALWAYS AS ({_constant(type)}) STORED")
    elif column.default or (primary and type in ("uuid", "text") and not column.plain):
        labels = next((t.labels for t in types if type in _spellings(t)), [])
        parts.append(f"DEFAULT {a_default(type, 'id' if primary else column.name, labels)}")
    if column.not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def _constant(type: str) -> str:
    return f"NULL::{type}"


def _shown(column: Column, table: Relation) -> str:
    primary = " primary key" if (column,) == table.primary else ""
    return f"{quote(column.name)} {resolve(column)}{primary}{' not null' if column.not_null and not primary else ''}"


def _table(table: Relation, types: list[Type], siblings: list[Relation]) -> str:
    if table.partition_of is not None:
        parent = table.partition_of
        return f"CREATE TABLE {table.name} PARTITION OF {parent.name} FOR VALUES {_bound(table, parent, siblings)}"
    prepare(table)
    for parent in table.like:
        if parent.presumed:
            prepare(parent)
            names = [c.name for c in (*parent.primary, *parent.partition_key)]
            table.primary = tuple(table.originals[n] for n in dict.fromkeys(names) if n in table.originals)
    if len(table.originals) == 1 and table.primary:
        table.originals.setdefault("name", Column("name", table.place))
    lines = [_definition(c, table, types) for c in table.originals.values()]
    primary = list(table.primary)
    if primary and not any(k.kind == "primary key" and k.name for k in table.keys):
        primary += [c for c in table.partition_key if c not in primary]
        lines.append(f"PRIMARY KEY ({_list(primary)})")
    tail = ""
    if table.partition_key:
        tail = f" PARTITION BY {(table.strategy or 'range').upper()} ({_list(table.partition_key)})"
    elif table.parents:
        tail = f" INHERITS ({', '.join(str(p.name) for p in table.parents)})"
    return f"CREATE TABLE {table.name} ({', '.join(lines)}){tail}"


def _bound(table: Relation, parent: Relation, siblings: list[Relation]) -> str:
    """A bound for a presumed partition that leaves room for the others."""
    place, count = siblings.index(table), len(siblings)
    type = resolve(parent.partition_key[0])
    whole = type in ("integer", "bigint", "smallint")
    if parent.strategy == "hash":
        return f"WITH (MODULUS {count}, REMAINDER {place})"
    if parent.strategy == "list":
        return f"IN ({place})" if whole else f"IN ('presumed {place + 1}')"
    if len(parent.partition_key) > 1:
        ends = ["MINVALUE", "MAXVALUE"]
        return " TO ".join(f"({', '.join([end] * len(parent.partition_key))})" for end in ends).join(["FROM ", ""])
    cuts = [str((i - count) * 1000) if whole else f"'{2000 + i}-01-01'" for i in range(1, count)]
    edges = ["MINVALUE", *cuts, parent.lower_bounds[0] if parent.lower_bounds else "MAXVALUE"]
    return f"FROM ({edges[place]}) TO ({edges[place + 1]})"


def _list(columns: list[Column] | tuple[Column, ...]) -> str:
    return ", ".join(quote(c.name) for c in columns)


def _constraints(table: Relation) -> Iterator[str]:
    if table.partition_of is not None:
        return
    for key in sorted(table.keys, key=lambda k: k.kind == "foreign key"):
        text = _constraint(key, table)
        if text:
            name = f"CONSTRAINT {quote(key.name)} " if key.name else ""
            yield f"ALTER TABLE {table.name} ADD {name}{text}"


def _constraint(key: Constraint, table: Relation) -> str | None:
    columns = list(key.columns)
    if not columns:
        return None
    valid = "" if key.validated else " NOT VALID"
    match key.kind:
        case "primary key":
            return f"PRIMARY KEY ({_list([*columns, *(c for c in table.partition_key if c not in columns)])})"
        case "unique":
            return f"UNIQUE ({_list([*columns, *(c for c in table.partition_key if c not in columns)])})"
        case "foreign key" if key.references is not None:
            target = key.references.primary or tuple(key.references.columns.values())[:1]
            return f"FOREIGN KEY ({_list(columns)}) REFERENCES {key.references.name} ({_list(target)}){valid}"
        case "exclude":
            return f"EXCLUDE USING btree ({quote(columns[0].name)} WITH =)"
        case "not null":
            return f"CHECK ({quote(columns[0].name)} IS NOT NULL){valid}"
    return f"CHECK ({quote(columns[0].name)} IS NOT NULL){valid}"


def _attachments(out: Draft, table: Relation) -> Iterator[str]:
    for name, function in table.triggers:
        made = function or Name(table.name.schema, f"{name}_presumed")
        if function is None:
            yield f"CREATE FUNCTION {made}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN COALESCE(NEW, OLD); END'"
        yield f"CREATE TRIGGER {quote(name)} BEFORE UPDATE ON {table.name} FOR EACH ROW EXECUTE FUNCTION {made}()"
        out.say(f"trigger {quote(name)}", f" on {table.name}", table.place, table.name)
    for policy in table.policies:
        yield f"CREATE POLICY {quote(policy)} ON {table.name} USING (true)"
        out.say(f"policy {quote(policy)}", f" on {table.name}", table.place, table.name)
    for rule in table.rules:
        yield f"CREATE RULE {quote(rule)} AS ON DELETE TO {table.name} DO ALSO NOTHING"
        out.say(f"rule {quote(rule)}", f" on {table.name}", table.place, table.name)


def _view(view: Relation) -> Iterator[str]:
    columns = [f"{_value(resolve(c))} AS {quote(c.name)}" for c in view.originals.values()] or ["1 AS id"]
    word = "MATERIALIZED VIEW" if view.kind == "materialized view" else "VIEW"
    yield f"CREATE {word} {view.name} AS SELECT {', '.join(columns)}"
    for key in view.keys:
        if view.kind == "materialized view":
            yield f"CREATE UNIQUE INDEX ON {view.name} ({_list(key.columns)})"


def _value(type: str) -> str:
    return f"1::{type}" if type.split("(")[0] in ("bigint", "integer", "numeric") else f"NULL::{type}"


def _index(index: Index) -> str | None:
    if index.table is None or not index.columns:
        return None
    unique = "UNIQUE " if index.unique else ""
    name = quote(index.name.name)
    return f"CREATE {unique}INDEX {name} ON {index.table.name} ({_list(index.columns)})"


def _other(kind: str, name: str, tables: list[Relation]) -> str | None:
    if kind == "publication":
        return f"CREATE PUBLICATION {quote(name)}"
    if kind == "statistics":
        table = next((t for t in tables if len(t.originals) > 1), None)
        if table is None:
            table_name = quote(f"{name}_of")
            return f"CREATE TABLE {table_name} (a int, b int); CREATE STATISTICS {name} ON a, b FROM {table_name}"
        if table is not None:
            return f"CREATE STATISTICS {name} ON {_list(list(table.originals.values())[:2])} FROM {table.name}"
    return None
