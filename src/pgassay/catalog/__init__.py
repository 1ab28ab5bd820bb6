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
    from pgassay.catalog.compare import Change, compare
    from pgassay.catalog.read import read
    from pgassay.catalog.sizes import ColumnStats, TableSize, column_statistics, sizes

# What needs a server is loaded when it is asked for: a static review needs only the classes.
_LATER = {
    "Change": "compare",
    "compare": "compare",
    "read": "read",
    "ColumnStats": "sizes",
    "TableSize": "sizes",
    "column_statistics": "sizes",
    "sizes": "sizes",
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
    "sizes",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(name)
    found: object = getattr(importlib.import_module(f"pgassay.catalog.{_LATER[name]}"), name)
    globals()[name] = found
    return found
