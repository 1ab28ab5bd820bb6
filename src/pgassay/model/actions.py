"""What a statement does, as small typed facts. One ALTER TABLE holds one action a subcommand.

Texts of expressions and types are written out by PostgreSQL's own deparser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgassay.model.names import Name

ConstraintKind = Literal["primary key", "unique", "foreign key", "check", "not null", "exclude"]
Generated = Literal["identity always", "identity by default", "stored", "virtual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintDef:
    """A constraint as written in DDL. ``columns`` are the constrained columns."""

    kind: ConstraintKind
    name: str | None = None
    columns: tuple[str, ...] = ()
    expression: str | None = None
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    using_index: str | None = None
    validated: bool = True
    deferrable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDef:
    """A column as written in DDL. ``type`` is the type's SQL text (``serial`` kept as written)."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: Generated | None = None
    constraints: tuple[ConstraintDef, ...] = ()

    @property
    def serial(self) -> bool:
        """Whether the type is one of the serial pseudo-types."""
        return self.type.lower() in {
            "serial", "bigserial", "smallserial", "serial2", "serial4", "serial8",
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that a statement does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAction(Action):
    """Something done to one table (or view, where ALTER TABLE allows one)."""

    table: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable(TableAction):
    columns: tuple[ColumnDef, ...] = ()
    constraints: tuple[ConstraintDef, ...] = ()
    inherits: tuple[Name, ...] = ()
    partition_of: Name | None = None
    like: tuple[Name, ...] = ()
    if_not_exists: bool = False
    temporary: bool = False
    unlogged: bool = False
    from_query: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn(TableAction):
    column: ColumnDef
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn(TableAction):
    column: str
    cascade: bool = False
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterType(TableAction):
    column: str
    type: str
    using: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefault(TableAction):
    """``default`` is None where the default is dropped."""

    column: str
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNotNull(TableAction):
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropNotNull(TableAction):
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddIdentity(TableAction):
    column: str
    generated: Generated


@dataclass(frozen=True, slots=True, kw_only=True)
class AddConstraint(TableAction):
    constraint: ConstraintDef


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateConstraint(TableAction):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConstraint(TableAction):
    name: str
    cascade: bool = False
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachPartition(TableAction):
    partition: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachPartition(TableAction):
    partition: Name
    concurrently: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecurity(TableAction):
    """``setting`` is enable, disable, force or no force."""

    setting: Literal["enable", "disable", "force", "no force"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAlter(TableAction):
    """A subcommand of ALTER TABLE with no class of its own; ``what`` is the parser's name for it."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIndex(TableAction):
    """``keys`` are columns or expressions as SQL; ``columns`` only those keys that are plain columns."""

    name: str | None
    method: str = "btree"
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    where: str | None = None
    unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Action):
    """``kind`` is SQL's word for the object in lower case: table, index, type, view, schema, function …
    ``arguments`` are the types of a routine's arguments, where they are written: then ``names`` is one name."""

    kind: str
    names: tuple[Name, ...]
    arguments: tuple[str, ...] | None = None
    table: Name | None = None  # of a trigger, policy or rule
    cascade: bool = False
    if_exists: bool = False
    concurrently: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Action):
    """``kind`` is SQL's word for what is renamed; ``within`` is the table of a column or constraint."""

    kind: str
    old: Name
    new: str
    within: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveSchema(Action):
    kind: str
    name: Name
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateType(Action):
    """``kind``: enum, composite, range, domain or base. ``labels`` of an enum in order."""

    kind: Literal["enum", "composite", "range", "domain", "base"]
    name: Name
    labels: tuple[str, ...] = ()
    base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEnumValue(Action):
    type: Name
    value: str
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameEnumValue(Action):
    type: Name
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(Action):
    tables: tuple[Name, ...]
    cascade: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(TableAction):
    columns: tuple[str, ...] = ()
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(TableAction):
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert(TableAction):
    columns: tuple[str, ...] = ()
    from_query: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Action):
    """A SELECT, VALUES or other read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Action):
    """``end`` names the other end: stdin, stdout, program or file."""

    table: Name | None
    end: Literal["stdin", "stdout", "program", "file"]
    source: bool  # whether rows come in (FROM)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTable(Action):
    tables: tuple[Name, ...]
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindex(Action):
    kind: str
    name: Name | None
    concurrently: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintain(Action):
    """VACUUM, ANALYZE, CLUSTER, REFRESH MATERIALIZED VIEW; ``full`` for those that rewrite the table."""

    kind: Literal["vacuum", "analyze", "cluster", "refresh"]
    tables: tuple[Name, ...]
    full: bool = False
    concurrently: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transact(Action):
    """``kind`` is begin, commit, rollback, savepoint, release or rollback to."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Action):
    """SET and RESET. ``value`` is None for RESET and SET … TO DEFAULT."""

    name: str
    value: str | None
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateExtension(Action):
    name: str
    schema: str | None = None
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRole(Action):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchema(Action):
    name: str
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateView(Action):
    name: Name
    materialized: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRoutine(Action):
    name: Name
    language: str
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTrigger(TableAction):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicy(TableAction):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Do(Action):
    """An anonymous block. What it does is known only by running it."""

    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(Action):
    """Any other statement; ``kind`` is the parser's name for it, in words."""

    kind: str
    relations: tuple[Name, ...] = ()
