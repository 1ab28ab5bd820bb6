"""The vocabulary: frozen, no I/O."""

from pgassay.model.findings import Certainty, Evidence, EvidenceKind, Finding, Remedy, Skipped, Verdict
from pgassay.model.names import Name, literal, quote
from pgassay.model.reports import FileFacts, Held, ProjectFacts, Report, ServerFacts
from pgassay.model.statements import (
    Migration,
    Oddity,
    Pending,
    Project,
    Runner,
    Statement,
    Suppression,
    Transaction,
    TransactionMode,
)

__all__ = [
    "Certainty",
    "Evidence",
    "EvidenceKind",
    "FileFacts",
    "Finding",
    "Held",
    "Migration",
    "Name",
    "Oddity",
    "Pending",
    "Project",
    "ProjectFacts",
    "Remedy",
    "Report",
    "Runner",
    "ServerFacts",
    "Skipped",
    "Statement",
    "Suppression",
    "Transaction",
    "TransactionMode",
    "Verdict",
    "literal",
    "quote",
]
