"""Values between Python and a table's columns."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pgassay.catalog import Column
from pgassay.workload.arrays import write_array


def text_of(value: object, column: Column) -> str | None:
    """A Python value as PostgreSQL reads it in this column; None is NULL. Raises TypeError for other types."""
    if column.base in ("json", "jsonb") and value is not None and not isinstance(value, str | bytes):
        return json.dumps(value, default=str, ensure_ascii=False)
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case str() | int() | float() | Decimal() | uuid.UUID():
            return str(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return f"{value.total_seconds()} seconds"
        case list() | tuple():
            element = Column(
                name=column.name,
                type=column.element or "text",
                base=column.element or "text",
                category="A" if value and isinstance(value[0], list | tuple) else "S",
            )
            if element.category == "A":
                return "{" + ",".join(text_of(v, column) or "{}" for v in value) + "}"
            return write_array(text_of(v, element) for v in value)
    raise TypeError(f"{column.name}: no value of PostgreSQL is made of {type(value).__name__}")


def python_of(value: object, column: Column) -> Any:
    """A value of ``row_to_json`` as Python has it: Decimal, datetime, UUID, bytes; text where there is none."""
    if value is None:
        return None
    if column.element is not None and isinstance(value, list):
        base = column.element.partition("(")[0]
        return [python_of(v, Column(name="", type=base, base=base, category="")) for v in value]
    match column.base:
        case "numeric":
            return Decimal(str(value))
        case "real" | "double precision":
            return float(str(value))
        case "uuid":
            return uuid.UUID(str(value))
        case "bytea":
            return bytes.fromhex(str(value)[2:])
    kind = _TIMES.get(column.base)
    try:
        return kind(str(value)) if kind is not None else value
    except ValueError:  # infinity, years before Christ
        return value


_TIMES: Mapping[str, Any] = {
    "date": datetime.date.fromisoformat,
    "timestamp with time zone": datetime.datetime.fromisoformat,
    "timestamp without time zone": datetime.datetime.fromisoformat,
    "time without time zone": datetime.time.fromisoformat,
}
