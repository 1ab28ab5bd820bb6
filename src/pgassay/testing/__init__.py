"""For test suites: a fresh, migrated database a test, and rows made for it. The pytest plugin is in ``plugin``."""

from pgassay.testing.databases import Database, Databases, databases
from pgassay.testing.factory import Factory, Row

__all__ = ["Database", "Databases", "Factory", "Row", "databases"]
