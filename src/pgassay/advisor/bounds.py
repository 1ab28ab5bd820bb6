"""How long the values of a column can get: what an index holds must fit into a third of a page (manual, chapter 64.1).

A value that does not fit makes the INSERT of its row fail, however rare it is. So nothing without a bound is merely
carried along in an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Catalog, Column, Constraint, Table

MOST = 200  # characters of a column that is merely included
WIDE = 200.0  # bytes of an average value, above which a column is no key
_BODILY = 60.0  # bytes of an average value, above which a column with such a name is no key
_BODIES = re.compile(r"(^|_)(body|content|contents|html|markdown|payload|raw|blob|document|description|text)$")
_FIXED = frozenset(
    "smallint integer bigint real double precision boolean date uuid money interval numeric oid inet cidr macaddr"
    " macaddr8 time timetz timestamp timestamptz pg_lsn".split()
) | {
    "double precision",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
    '"char"',
    "name",
}
_TEXTS = frozenset({"text", "character varying", "character"})


def longest(table: Table, column: Column, catalog: Catalog) -> int | None:
    """The most characters (for numbers and the like: bytes) that a value can take; None where nothing says."""
    if column.category == "E" or column.base in _FIXED:
        return 16
    if column.base not in _TEXTS:
        return None
    named = re.fullmatch(r"(?:character varying|character)\((\d+)\)", column.type)
    if named:
        return int(named[1])
    if column.type == "character":
        return 1
    found = list(_said(column.name, table.constraints))
    domain = catalog.domain(column.type)
    if domain is not None:
        named = re.fullmatch(r"(?:character varying|character)\((\d+)\)", domain.type)
        found += [int(named[1])] if named else []
        found += _said("VALUE", domain.constraints)
    return min(found, default=None)


def _said(name: str, constraints: tuple[Constraint, ...]) -> Iterator[int]:
    """Bounds in CHECK constraints: of the length, or by a pattern of single characters from end to end."""
    value = rf"\(*\"?{re.escape(name)}\"?\)*(?:::\w+(?: varying)?\)*)*"
    for each in constraints:
        if each.kind != "check" or re.search(r"\bOR\b", each.definition):
            continue
        for found in re.finditer(
            rf"(?:char_length|character_length|length|octet_length)\({value}\)+ (<=|<|=) (\d+)", each.definition
        ):
            yield int(found[2])
        for found in re.finditer(rf"{value} ~\*? '\^([^']*)\$'", each.definition):
            size = _pattern(found[1])
            if size is not None:
                yield size


def _pattern(text: str) -> int | None:
    """The most characters that a pattern matches; None where it has more than characters, sets and counts."""
    size, place = 0, 0
    piece = re.compile(r"(?:\[[^\]]+\]|\\[dw]|[\w :/.-])(?:\{(?:\d+,)?(\d+)\}|(\?))?")
    while place < len(text):
        found = piece.match(text, place)
        if found is None or text[found.end() : found.end() + 1] in ("*", "+", "{"):
            return None
        size += int(found[1]) if found[1] else 1
        place = found.end()
    return size


def is_body(table: Table, column: Column, catalog: Catalog, average: float | None) -> bool:
    """Whether its values are too long on average, or likely to be, for a key that holds them whole."""
    if column.base not in (*_TEXTS, "bytea") or (longest(table, column, catalog) or WIDE + 1) <= WIDE:
        return False
    width = average or 0.0
    return width > WIDE or (width > _BODILY and _BODIES.search(column.name) is not None)
