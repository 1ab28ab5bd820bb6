"""pgassay: a PostgreSQL expert that runs the thing on a disposable server and reports what happened."""

__version__ = "0.1.0"
