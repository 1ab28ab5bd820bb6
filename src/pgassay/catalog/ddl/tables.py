"""Tables, their columns and constraints (manual: CREATE TABLE, ALTER TABLE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pgassay.catalog.ddl.nodes import Attachment
from pgassay.catalog.ddl.texts import comment, foreign_options, identity, options, setting, storage_parameters
from pgassay.catalog.model import Column, Constraint, Index, Policy, Table, View
from pgassay.catalog.model import Sequence as Counter
from pgassay.model import Name, quote

_MAIN = {"numeric", "inet", "cidr"}  # whose values stay in the row if they can
_VERBS = {"origin": "ENABLE", "disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def head(table: Table | View) -> str:
    """The words before an action on this table and on none below it."""
    if isinstance(table, View):
        return f"ALTER {'MATERIALIZED VIEW' if table.materialized else 'VIEW'} {table.name}"
    return f"ALTER {'FOREIGN ' if table.kind == 'foreign table' else ''}TABLE ONLY {table.name}"


def recursing(table: Table) -> str:
    """The words before an action on this table and those below it."""
    return head(table).replace(" ONLY ", " ", 1)


def column(
    table: Table, column: Column, sequences: Mapping[Name, Counter], *, default: bool, not_null: bool = True
) -> str:
    """A column's definition, with its default where that may stand here."""
    parts = [quote(column.name), column.type]
    if column.compression:
        parts.append(f"COMPRESSION {column.compression}")
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if table.kind == "foreign table" and (said := foreign_options((), column.options)):
        parts.append(said.replace("(ADD ", "(").replace(", ADD ", ", "))
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.expression}) {column.generated.upper()}")
    elif column.identity and column.owned_sequence is not None:
        parts.append(identity(column, sequences.get(column.owned_sequence), table.name))
    elif default and column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.not_null and not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def storage(column: Column) -> str:
    """The column's storage. SET STORAGE DEFAULT came with PostgreSQL 16; where it differs the type is not fixed."""
    return (column.storage or ("main" if column.base in _MAIN else "extended")).upper()


def noted(table: Table, column: Column) -> list[str]:
    """What is said of a column after it was made: storage, statistics, comment."""
    return _column_settings(table, None, column)


def _column_settings(table: Table, before: Column | None, after: Column) -> list[str]:
    start = f"{head(table)} ALTER COLUMN {quote(after.name)}"
    texts = []
    if (before.storage if before else None) != after.storage:
        texts.append(f"{start} SET STORAGE {storage(after)}")
    if before is not None and before.compression != after.compression:
        texts.append(f"{start} SET COMPRESSION {after.compression or 'default'}")
    if (before.statistics if before else None) != after.statistics:
        texts.append(f"{start} SET STATISTICS {-1 if after.statistics is None else after.statistics}")
    if table.kind == "foreign table":
        if before is not None and (said := foreign_options(before.options, after.options)):
            texts.append(f"{start} {said}")
    else:
        texts += [f"{start} {text}" for text in options(before.options if before else (), after.options)]
    place = f"COLUMN {table.name}.{quote(after.name)}"
    return texts + comment(place, before.comment if before else None, after.comment)


def alter_column(
    table: Table, before: Column, after: Column, sequences: Mapping[Name, Counter], *, using: str | None, version: int
) -> list[str] | None:
    """The statements that change a column; None where it has to be dropped and added.

    ``using``: the expression where its type changes and no cast is implied.
    """
    start = f"{recursing(table)} ALTER COLUMN {quote(after.name)}"
    texts: list[str] = []
    if before.identity and not after.identity:
        texts.append(f"{start} DROP IDENTITY")
    regenerated = before.generated and after.generated and before.expression != after.expression
    if before.generated and not after.generated:
        if before.generated == "virtual":
            return None
        texts.append(f"{start} DROP EXPRESSION")
    elif (after.generated and before.generated != after.generated) or (regenerated and version < 170000):
        return None
    if (before.type, before.collation) != (after.type, after.collation) or using is not None:
        collation = f" COLLATE {after.collation}" if after.collation else ""
        cast = f" USING {using}" if using is not None and not after.generated else ""
        texts.append(f"{start} TYPE {after.type}{collation}{cast}")
        before = replace(before, storage=None, compression=None)  # the new type's
    if regenerated:
        texts.append(f"{start} SET EXPRESSION AS ({after.expression})")
    if before.not_null != after.not_null:
        texts.append(f"{start} {'SET' if after.not_null else 'DROP'} NOT NULL")
    if after.identity and before.identity and after.identity != before.identity:
        texts.append(f"{start} SET GENERATED {after.identity.upper()}")
    if after.identity and not before.identity and after.owned_sequence is not None:
        texts.append(f"{start} ADD {identity(after, sequences.get(after.owned_sequence), table.name)}")
    if (
        before.identity
        and after.identity
        and before.owned_sequence
        and after.owned_sequence
        and before.owned_sequence != after.owned_sequence
    ):
        texts.append(f"ALTER SEQUENCE {before.owned_sequence} RENAME TO {quote(after.owned_sequence.name)}")
    return texts + _column_settings(table, before, after)


def create(
    table: Table, columns: Sequence[str], constraints: Sequence[str], *, inherits: Sequence[Name] = ()
) -> list[str]:
    """CREATE TABLE with these parts, and what is said of the table afterwards."""
    kind = {"foreign table": "FOREIGN TABLE"}.get(table.kind, "UNLOGGED TABLE" if table.unlogged else "TABLE")
    if table.of_type:
        lines = list(constraints)
        body = f" OF {table.of_type}" + (f" ({', '.join(lines)})" if lines else "")
    else:
        lines = [*columns, *constraints]
        body = " (\n" + ",\n".join(f"    {line}" for line in lines) + "\n)" if lines else " ()"
    if inherits:
        body += f" INHERITS ({', '.join(map(str, inherits))})"
    if table.partition_key:
        body += f" PARTITION BY {table.partition_key}"
    if table.server:
        body += f" SERVER {quote(table.server)}"
        if said := foreign_options((), table.options):
            body += " " + said.replace("(ADD ", "(").replace(", ADD ", ", ")
    if table.method:
        body += f" USING {quote(table.method)}"
    if table.options and not table.server:
        body += f" WITH ({', '.join(map(setting, table.options))})"
    if table.tablespace:
        body += f" TABLESPACE {quote(table.tablespace)}"
    return [f"CREATE {kind} {table.name}{body}", *_flags(None, table), *comment(_word(table), None, table.comment)]


def _word(table: Table) -> str:
    return f"{'FOREIGN TABLE' if table.kind == 'foreign table' else 'TABLE'} {table.name}"


def of_type(table: Table, column: Column, *, default: bool) -> list[str]:
    """What a typed table says of a column that its type has made."""
    start = f"{head(table)} ALTER COLUMN {quote(column.name)}"
    texts = [f"{start} SET DEFAULT {column.default}"] if default and column.default is not None else []
    return texts + [f"{start} SET NOT NULL"] * column.not_null


def _flags(before: Table | None, after: Table) -> list[str]:
    texts = []
    if (before is not None and before.row_security) != after.row_security:
        texts.append(f"ALTER TABLE {after.name} {'ENABLE' if after.row_security else 'DISABLE'} ROW LEVEL SECURITY")
    if (before is not None and before.force_row_security) != after.force_row_security:
        texts.append(f"ALTER TABLE {after.name} {'' if after.force_row_security else 'NO '}FORCE ROW LEVEL SECURITY")
    return texts


def alter(before: Table, after: Table) -> list[str] | None:
    """What is changed about a table itself; None where it has to be made anew."""
    if (before.kind, before.partition_key, before.of_type, before.server, before.method) != (
        after.kind, after.partition_key, after.of_type, after.server, after.method,
    ):  # fmt: skip
        return None
    texts = []
    if before.unlogged != after.unlogged:
        texts.append(f"ALTER TABLE {after.name} SET {'UNLOGGED' if after.unlogged else 'LOGGED'}")
    if before.tablespace != after.tablespace:
        texts.append(f"ALTER TABLE {after.name} SET TABLESPACE {quote(after.tablespace or 'pg_default')}")
    if after.kind == "foreign table":
        if said := foreign_options(before.options, after.options):
            texts.append(f"ALTER FOREIGN TABLE {after.name} {said}")
    else:
        own = [[o for o in table.options if not o.startswith("toast.")] for table in (before, after)]
        texts += [f"ALTER TABLE {after.name} {text}" for text in options(*own)]
    return [*texts, *_flags(before, after), *comment(_word(after), before.comment, after.comment)]


def constraint_noted(owner: str, constraint: Constraint, index: Index | None, schema: Name) -> list[str]:
    """Comments and storage parameters of a constraint that was made."""
    texts = comment(f"CONSTRAINT {quote(constraint.name)} ON {owner}", None, constraint.comment)
    if index is not None:
        name = schema.named(index.name)
        if parameters := storage_parameters(index.definition):
            texts.append(f"ALTER INDEX {name} SET ({', '.join(map(setting, parameters))})")
        texts += comment(f"INDEX {name}", None, index.comment)
    return texts


def alter_constraint(
    start: str,
    owner: str,
    schema: Name,
    before: tuple[Constraint, Index | None],
    after: tuple[Constraint, Index | None],
) -> list[str] | None:
    """What changes a constraint in place, or None."""
    (old, old_index), (new, new_index) = before, after
    texts = []
    if old.definition != new.definition or old.kind != new.kind:
        if old.definition.removesuffix(" NOT VALID") != new.definition or old.kind != new.kind or not old.enforced:
            return None
        texts.append(f"{start} VALIDATE CONSTRAINT {quote(new.name)}")
    if old_index is not None and new_index is not None:
        if index_shape(old_index) != index_shape(new_index):
            return None
        texts += comment(f"INDEX {schema.named(new_index.name)}", old_index.comment, new_index.comment)
    return texts + comment(f"CONSTRAINT {quote(new.name)} ON {owner}", old.comment, new.comment)


def index_shape(index: Index) -> tuple[object, ...]:
    """What of an index cannot be changed in place."""
    return (index.definition, index.tablespace)


def attach(table: Table, hung: Attachment) -> list[str]:
    """Hang a table on its parents."""
    if hung.partition_of is not None:
        return [f"ALTER TABLE {hung.partition_of} ATTACH PARTITION {table.name} {hung.bound}"]
    return [f"ALTER TABLE {table.name} INHERIT {parent}" for parent in hung.inherits]


def detach(table: Table, hung: Attachment) -> list[str]:
    """Take a table off its parents."""
    if hung.partition_of is not None:
        return [f"ALTER TABLE {hung.partition_of} DETACH PARTITION {table.name}"]
    return [f"ALTER TABLE {table.name} NO INHERIT {parent}" for parent in hung.inherits]


def replica_identity(table: Table, identity: str) -> str:
    """ALTER TABLE … REPLICA IDENTITY."""
    kind, _, index = identity.partition(" ")
    said = f"USING INDEX {quote(index)}" if kind == "index" else kind.upper()
    return f"ALTER TABLE {table.name} REPLICA IDENTITY {said}"


def trigger_state(table: Name, name: str, state: str) -> str:
    """ALTER TABLE … ENABLE TRIGGER."""
    return f"ALTER TABLE {table} {_VERBS[state]} TRIGGER {quote(name)}"


def policy(table: Name, policy: Policy) -> list[str]:
    """CREATE POLICY."""
    text = f"CREATE POLICY {quote(policy.name)} ON {table}"
    text += "" if policy.permissive else " AS RESTRICTIVE"
    text += "" if policy.command == "ALL" else f" FOR {policy.command}"
    if policy.roles != ("PUBLIC",):
        text += f" TO {', '.join(r if r == 'PUBLIC' else quote(r) for r in policy.roles)}"
    text += f" USING ({policy.using})" if policy.using is not None else ""
    text += f" WITH CHECK ({policy.check})" if policy.check is not None else ""
    return [text, *comment(f"POLICY {quote(policy.name)} ON {table}", None, policy.comment)]
