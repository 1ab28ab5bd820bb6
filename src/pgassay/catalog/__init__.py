"""The typed picture of a database schema: read it, compare two of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

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
    Object,
    Other,
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

if TYPE_CHECKING:
    from pgassay.catalog.comparison import Change, compare
    from pgassay.catalog.measure import ColumnStats, TableSize, column_statistics, sizes
    from pgassay.catalog.reading import read, reader

# What needs a server is loaded when it is asked for: a static review needs only the classes. No module may bear the
# name of what it holds, or `from pgassay.catalog import` finds the module once somebody has loaded it.
_LATER = {
    "Change": "comparison",
    "compare": "comparison",
    "read": "reading",
    "reader": "reading",
    "ColumnStats": "measure",
    "TableSize": "measure",
    "column_statistics": "measure",
    "sizes": "measure",
}

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
    "Object",
    "Other",
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
    "reader",
    "sizes",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(name)
    found: object = getattr(importlib.import_module(f"pgassay.catalog.{_LATER[name]}"), name)
    globals()[name] = found
    return found
