"""The outside world in: migration projects, and what of them is pending."""

from pgassay.sources.deployed import pending_database
from pgassay.sources.draft import placed, with_draft
from pgassay.sources.pending import pending_default, pending_history, pending_since
from pgassay.sources.project import KINDS, open_project, transactions

__all__ = [
    "KINDS",
    "open_project",
    "pending_database",
    "pending_default",
    "pending_history",
    "pending_since",
    "placed",
    "transactions",
    "with_draft",
]
