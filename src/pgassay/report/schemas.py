"""JSON schemas, generated from the classes that are encoded."""

from __future__ import annotations

from typing import Any

import msgspec

from pgassay.report.handover import Compact, Handoff
from pgassay.report.machine import Document, indented

_TITLES = {
    "json": "pgassay review --format json",
    "handoff": "pgassay review --format handoff",
    "handoff-compact": "pgassay review --format handoff-compact",
    "tune": "pgassay tune --format json",
    "tune-check": "pgassay tune --check --format json",
    "indexes": "pgassay indexes --format json",
    "diff": "pgassay diff --format json",
    "design": "pgassay design --format json",
    "migrate-down": "pgassay migrate down --format json",
    "migrate-plan": "pgassay migrate plan --format json",
    "migrate-run": "pgassay migrate up --format json",
    "migrate-status": "pgassay migrate status --format json",
    "migrate-backfill": "pgassay migrate backfill --format json",
    "agent-route": "pgassay agent route --format json",
}
NAMES = tuple(_TITLES)
DOCUMENTS: dict[str, type[msgspec.Struct]] = {"json": Document, "handoff": Handoff, "handoff-compact": Compact}


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a format, one of NAMES."""
    start = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLES[name]}
    return start | msgspec.json.schema(_kind(name))


def schema_text(name: str) -> str:
    """The same as indented JSON, with a line end."""
    return indented(schema(name))


def _kind(name: str) -> type[msgspec.Struct]:
    match name:  # what a review does not need is loaded for its own schema alone
        case "design":
            from pgassay.report.design import DesignDocument

            return DesignDocument
        case "tune":
            from pgassay.report.tuning import TuningDocument

            return TuningDocument
        case "tune-check":
            from pgassay.report.tuning_check import CheckDocument

            return CheckDocument
        case "indexes":
            from pgassay.report.indexing import IndexDocument

            return IndexDocument
        case "diff":
            from pgassay.report.difference import DiffDocument

            return DiffDocument
        case "migrate-plan":
            from pgassay.report.migrate_plan import PlanDocument

            return PlanDocument
        case "migrate-run":
            from pgassay.report.migrate_run import RunDocument

            return RunDocument
        case "migrate-status":
            from pgassay.report.migrate_status import StatusDocument

            return StatusDocument
        case "migrate-backfill":
            from pgassay.report.migrate_backfill import BackfillDocument

            return BackfillDocument
        case "migrate-down":
            from pgassay.report.migrate_down import DownDocument

            return DownDocument
        case "agent-route":
            from pgassay.report.routing import RoutingDocument

            return RoutingDocument
    return DOCUMENTS[name]
