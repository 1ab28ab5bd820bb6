"""SQL read by PostgreSQL's own parser. Only this room imports the parser."""

from pgassay.sql.parse import parse

__all__ = ["parse"]
