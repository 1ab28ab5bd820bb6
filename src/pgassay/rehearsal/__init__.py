"""Run a migration on a scratch server, on empty tables and on populated ones, and observe."""

from pgassay.rehearsal.rehearse import Conditions, Outcome, rehearse

__all__ = ["Conditions", "Outcome", "rehearse"]
