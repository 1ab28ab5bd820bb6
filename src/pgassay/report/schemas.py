"""JSON schemas, generated from the classes that are encoded."""

from __future__ import annotations

from typing import Any

import msgspec

from pgassay.report.handover import Compact, Handoff
from pgassay.report.machine import Document, indented

DOCUMENTS: dict[str, type[msgspec.Struct]] = {"json": Document, "handoff": Handoff, "handoff-compact": Compact}


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a format: ``json``, ``handoff`` or ``handoff-compact``."""
    kind = DOCUMENTS[name]
    title = f"pgassay review --format {name}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **msgspec.json.schema(kind)}


def schema_text(name: str) -> str:
    """The same as indented JSON, with a line end."""
    return indented(schema(name))
