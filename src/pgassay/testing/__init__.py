"""For test suites: a fresh, migrated database a test. The pytest plugin is in ``plugin``."""

from pgassay.testing.databases import Database, Databases, databases

__all__ = ["Database", "Databases", "databases"]
