"""Which index does the work of which other one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Index, Table


def covered(table: Table) -> Iterator[tuple[Index, Index]]:
    """Pairs of an index that can go and the one that does its work: constraints and replica identity stay."""
    gone: set[str] = set()
    for index in sorted(table.indexes, key=lambda i: (len(i.keys), bool(i.include), i.name), reverse=False):
        if not _free(index, table):
            continue
        for other in table.indexes:
            if other.name != index.name and other.name not in gone and other.valid and covers(other, index):
                # Of two that are alike the one that is freer goes; of two free ones the later name.
                alike = covers(index, other)
                if alike and _free(other, table) and other.name > index.name:
                    continue
                gone.add(index.name)
                yield index, other
                break


def covers(one: Index, other: Index) -> bool:
    """Whether ``one`` serves whatever ``other`` serves: the same beginning, condition and method."""
    if one.method != other.method or one.where != other.where:
        return False
    keys, wanted = full_keys(one), full_keys(other)
    if one.method != "btree":
        return keys == wanted and one.include == other.include and _options(one) == _options(other)
    same_rule = one.keys == other.keys and one.nulls_distinct == other.nulls_distinct
    if other.unique and not (one.unique and same_rule):
        return False
    if wanted not in (keys[: len(wanted)], tuple(map(_turned, keys[: len(wanted)]))):
        return False
    return set(other.include) <= {*one.include, *(c for c in one.columns if c)}


def full_keys(index: Index) -> tuple[str, ...]:
    """The keys with operator class, collation and direction, as the definition has them."""
    _, using, rest = index.definition.partition(" USING ")
    if not using:
        return index.keys
    text = rest[rest.index("(") + 1 :]
    keys, depth, quoted, start = [], 0, "", 0
    for place, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "'\"":
            quoted = character
        elif character in "([":
            depth += 1
        elif character in ")]" and depth > 0:
            depth -= 1
        elif depth == 0 and character in ",)":
            keys.append(text[start:place].strip())
            start = place + 1
            if character == ")":
                break
    return tuple(keys)


def _turned(key: str) -> str:
    """A key read from the other end."""
    bare = re.sub(r"( DESC)?( NULLS (FIRST|LAST))?$", "", key)
    words = key[len(bare) :]
    nulls_first = "NULLS FIRST" in words or ("DESC" in words and "NULLS LAST" not in words)
    if "DESC" in words:
        return bare + (" NULLS FIRST" if not nulls_first else "")
    return f"{bare} DESC" + (" NULLS LAST" if nulls_first else "")


def _options(index: Index) -> str:
    found = re.search(r" WITH \((.*?)\)", index.definition)
    return found[1] if found else ""


def _free(index: Index, table: Table) -> bool:
    bound = index.constraint or index.primary or index.exclusion or index.clustered or index.partition_of
    return not bound and table.replica_identity != f"index {index.name}"
