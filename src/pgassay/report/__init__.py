"""Findings in, text out: pure functions."""

from pgassay.report.handover import (
    Compact,
    Handoff,
    compact,
    confidence,
    coverage,
    expand,
    handoff,
    handoff_compact,
    handoff_json,
    handoff_yaml,
)
from pgassay.report.machine import Document, document, json_text
from pgassay.report.pages import rule_index, rule_list, rule_page
from pgassay.report.schemas import DOCUMENTS, schema, schema_text
from pgassay.report.seeded import seeded
from pgassay.report.terminal import text

__all__ = [
    "DOCUMENTS",
    "Compact",
    "Document",
    "Handoff",
    "compact",
    "confidence",
    "coverage",
    "document",
    "expand",
    "handoff",
    "handoff_compact",
    "handoff_json",
    "handoff_yaml",
    "json_text",
    "rule_index",
    "rule_list",
    "rule_page",
    "schema",
    "schema_text",
    "seeded",
    "text",
]
