"""The typed picture of a database schema: read it, compare two of them."""

from pgassay.catalog.compare import Change, compare
from pgassay.catalog.model import (
    Catalog,
    Column,
    Composite,
    Constraint,
    Domain,
    Enum,
    Extension,
    Grant,
    Index,
    Policy,
    Range,
    Routine,
    Schema,
    Sequence,
    Statistics,
    Table,
    Trigger,
    View,
)
from pgassay.catalog.read import read
from pgassay.catalog.sizes import ColumnStats, TableSize, column_statistics, sizes

__all__ = [
    "Catalog",
    "Change",
    "Column",
    "ColumnStats",
    "Composite",
    "Constraint",
    "Domain",
    "Enum",
    "Extension",
    "Grant",
    "Index",
    "Policy",
    "Range",
    "Routine",
    "Schema",
    "Sequence",
    "Statistics",
    "Table",
    "TableSize",
    "Trigger",
    "View",
    "column_statistics",
    "compare",
    "read",
    "sizes",
]
