"""A catalog as SQL: what makes it on an empty database, and what turns one into another.

``create(catalog)`` and ``difference(before, after)`` are pure: they need the dependencies that ``read`` brings along.
Every name in the statements is qualified with its schema, but for those in the bodies of functions, which their authors
wrote: they run under any search path.
"""

from __future__ import annotations

from pgassay.catalog.ddl.decisions import renaming
from pgassay.catalog.ddl.difference import create, difference, roles
from pgassay.catalog.ddl.model import Decision, Decisions, Difference, Loss, Step

__all__ = ["Decision", "Decisions", "Difference", "Loss", "Step", "create", "difference", "renaming", "roles"]
