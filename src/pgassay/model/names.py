"""Names of database objects, quoted as PostgreSQL quotes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")

# Key words that cannot stand as a column or table name without quotes
# (PostgreSQL manual, appendix C: "reserved" and "reserved (can be function or type)").
_RESERVED = frozenset(
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate"
    " collation column concurrently constraint create cross current_catalog current_date current_role"
    " current_schema current_time current_timestamp current_user default deferrable desc distinct do else end"
    " except false fetch for foreign freeze from full grant group having ilike in initially inner intersect"
    " into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null"
    " offset on only or order outer overlaps placing primary references returning right select session_user"
    " similar some symmetric system_user table tablesample then to trailing true union unique user using"
    " variadic verbose when where window with between bigint bit boolean char character coalesce dec decimal"
    " exists extract float greatest grouping inout int integer interval json json_array json_arrayagg json_exists"
    " json_object json_objectagg json_query json_scalar json_serialize json_table json_value least merge_action"
    " national nchar none normalize nullif numeric out overlay position precision real row setof smallint"
    " substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest"
    " xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable".split()
)


def quote(identifier: str) -> str:
    """An identifier as it must be written in SQL: bare where that is safe, else in double quotes."""
    if _PLAIN.match(identifier) and identifier not in _RESERVED:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string as an SQL literal (``standard_conforming_strings`` on)."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The name of a relation, type or function: an optional schema and the name itself, both unquoted."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}" if self.schema else quote(self.name)

    def within(self, default: str) -> Name:
        """The same name with a schema: its own, or the default one."""
        return self if self.schema else Name(default, self.name)

    def named(self, name: str) -> Name:
        """Another object in the same schema."""
        return Name(self.schema, name)
