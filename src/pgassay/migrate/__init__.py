"""From one schema to another: made on scratch, tried, and said in how far it holds."""

from __future__ import annotations

from pgassay.migrate.proof import Proof, prove, renamed, stand

__all__ = ["Proof", "prove", "renamed", "stand"]
