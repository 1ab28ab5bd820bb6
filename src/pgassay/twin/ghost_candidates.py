"""Candidate indexes on a ghost: created in an instant, as the table is empty for that long, then given their size."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgassay.errors import InputError
from pgassay.model import Name
from pgassay.model.actions import CreateIndex
from pgassay.server import available
from pgassay.sql import parse
from pgassay.twin import ghost_files as files
from pgassay.twin import index_size
from pgassay.twin.export_file import Attribute
from pgassay.twin.ghost_ends import entries_of
from pgassay.twin.ghost_guard import NotPlanned, plan
from pgassay.twin.ghost_statistics import sql, write_sizes_of

if TYPE_CHECKING:
    from pgassay.twin.ghost import Ghost

_CONCURRENTLY = re.compile(r"\A(\s*create\s+(?:unique\s+)?index\s+)concurrently\s+", re.I)
_ALIGN = {"c": 1, "s": 2, "i": 4, "d": 8}
_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)')
_UNKNOWN_WIDTH, _UNKNOWN_DISTINCT = 16.0, 200.0  # what PostgreSQL assumes of an expression
_STRINGS = {"text", "varchar", "bpchar"}
_PART = re.compile(r'\A"?(?:substring|substr|left|right)"?\(.*(?:, | FOR )(\d{1,4})\)\Z', re.S | re.I)


def create(ghost: Ghost, ddl: str, pages: int | None, height: int | None, tuples: float | None) -> str:
    """See ``Ghost.create_index``."""
    action = _statement(ddl)
    table = ghost.session.value(sql("table_oid"), [str(action.table)])
    tables = {row["oid"]: row for row in ghost.admin.json(sql("parts"), [table]) or []}
    leaves = [row for row in tables.values() if row["path"]]
    rows = {row["oid"]: _entries(ghost, row, action.where) for row in leaves}
    if tuples is not None:
        total = sum(rows.values()) or 1.0
        rows = {oid: tuples * n / total for oid, n in rows.items()}
    blocks = {row["oid"]: _blocks(ghost, row["path"]) for row in leaves}
    _build(ghost, _CONCURRENTLY.sub(r"\1", ddl), leaves)
    before = {oid for row in tables.values() for oid in row["indexes"] or []}
    now = {oid for row in ghost.admin.json(sql("parts"), [table]) for oid in row["indexes"] or []}
    made = ghost.admin.json(sql("candidate"), [f"{{{','.join(map(str, now - before))}}}"]) or []
    if not made:
        raise InputError("the index is there already", hint="Leave out IF NOT EXISTS.")
    sizes = [{**row, "tuples": row["tuples"]} for row in leaves]
    share = sum(rows.values()) or 1.0
    for index in made:
        if not index["path"]:
            continue
        count = rows[index["table"]]
        size = computed(ghost, index, tables[index["table"]], count, blocks[index["table"]])
        if pages is not None:
            part = max(1, round(pages * (count / share if len(leaves) > 1 else 1)))
            size = replace(size, pages=part, height=size.height if height is None else height)
        elif height is not None:
            size = replace(size, height=height)
        _write(ghost, index, size, blocks[index["table"]])
        sizes.append({**index, "pages": size.pages, "tuples": count, "all_visible": 0})
    write_sizes_of(ghost.admin, sizes)
    top = next(index for index in made if index["table"] == int(table or 0))
    return str(Name(top["schema"], top["name"]))


def computed(ghost: Ghost, index: dict[str, Any], table: dict[str, Any], rows: float, blocks: int) -> index_size.Size:
    """The size of an index as CREATE INDEX would build it on production, by its kind's model."""
    every = [_key(ghost, key, table) for key in index["keys"]]
    keys, include = every[: index["key_count"]], every[index["key_count"] :]
    width = sum(key.width for key in keys)
    match index["method"]:
        case "hash":
            return index_size.hash_index(rows, int(index["options"].get("fillfactor", 75)))
        case "brin":
            return index_size.brin(blocks, keys, int(index["options"].get("pages_per_range", 128)))
        case "gin":
            each, distinct, entry = _elements(ghost, index["keys"][0], table, rows, width)
            return index_size.gin(rows, each, distinct, entry)
        case "gist" | "spgist":
            return index_size.gist(rows, width)
        case _:
            fill = int(index["options"].get("fillfactor", 90))
            alike = index["options"].get("deduplicate_items", "on") in ("on", "true", "1", "yes")
            return index_size.btree(rows, keys, unique=index["unique"] or not alike, include=include, fill=fill)


def _statement(ddl: str) -> CreateIndex:
    statements = parse(ddl, "index")
    actions = [action for statement in statements for action in statement.of(CreateIndex)]
    if len(statements) != 1 or len(actions) != 1:
        raise InputError("one CREATE INDEX is wanted")
    return actions[0]


def _entries(ghost: Ghost, row: dict[str, Any], where: str | None) -> float:
    """How many rows of a table the index has: by the planner's own estimate of its predicate."""
    everything = max(float(row["tuples"]), 0.0)
    if where is None:
        return everything
    try:
        found = plan(ghost.session, f"SELECT FROM ONLY {Name(row['schema'], row['name'])} WHERE {where}")
    except NotPlanned:
        return everything
    return min(everything, float(found["Plan"]["Plan Rows"]))


def _blocks(ghost: Ghost, relative: str) -> int:
    path, blocks, number = ghost.path(relative), 0, 0
    while True:
        part = path.with_name(f"{path.name}.{number}") if number else path
        if not part.exists():
            return blocks
        blocks += part.stat().st_size // files.PAGE
        number += 1


def _build(ghost: Ghost, ddl: str, leaves: list[dict[str, Any]]) -> None:
    """CREATE INDEX while the tables' first segments are empty; a new session takes them for empty tables."""
    lengths = {ghost.path(row["path"]): ghost.path(row["path"]).stat().st_size for row in leaves}
    try:
        for path in lengths:
            files.shrink(path)
        # A session of its own: others may have opened the tables' further segments and know better.
        with ghost.server.connect(ghost.database) as session:
            session.run("SELECT pg_catalog.set_config('search_path', $1, false)", [ghost.search_path])
            # Else COMMIT logs the new pages, and reads them into the server's memory for that (smgrDoPendingSyncs).
            session.run("SET wal_skip_threshold = 0")
            session.run(ddl)
    finally:
        for path, length in lengths.items():
            os.truncate(path, length)


def _write(ghost: Ghost, index: dict[str, Any], size: index_size.Size, table_blocks: int) -> None:
    # A B-tree's pages have not been in the server's memory yet: its build writes past it. Those of others have.
    path = ghost.path(index["path"])
    if index["method"] == "btree" and size.pages > 1:
        led = ghost.admin.json(sql("led").replace("{alone}", " AND c.oid = $1::oid"), [index["oid"]])
        entries = entries_of(led[0] if led else None, ghost.ends, ghost.server.data)
        files.write_btree(path, min(size.height, size.pages - 2), entries)
    elif index["method"] in ("gin", "brin") and _evicted(ghost, index["oid"]):
        if index["method"] == "brin":
            files.write_brin(path, table_blocks)
        else:
            entry_pages = min(size.entry_pages, size.pages - 2)
            files.write_gin(path, 0, size.pages, entry_pages, size.pages - 2 - entry_pages, size.entries)
    files.resize(path, size.pages)


def _evicted(ghost: Ghost, oid: int) -> bool:
    """Whether the server has let go of an index's pages; before PostgreSQL 17 nobody can ask it to."""
    if ghost.server.major < 17 or "pg_buffercache" not in available(ghost.server):
        return False
    # From the server's own database, where no user's objects are.
    tools = ghost.server.admin
    tools.run("CREATE SCHEMA IF NOT EXISTS pgassay; CREATE EXTENSION IF NOT EXISTS pg_buffercache SCHEMA pgassay")
    tools.run(sql("evict"), [ghost.admin.value(sql("file_number"), [oid]), ghost.database])
    tools.notices()
    return True


def _statistics(ghost: Ghost, table: dict[str, Any], column: str | None) -> Attribute | None:
    return ghost.statistics.get((table["schema"], table["name"], column)) if column else None


def _like(ghost: Ghost, key: dict[str, Any], table: dict[str, Any]) -> str | None:
    """The one column of an expression such as ``lower(email)``, if its values are of the column's type."""
    words = set(re.findall(r'[\w$]+|"[^"]+"', key["expression"] or ""))
    place = (table["schema"], table["name"])
    names = [
        n for (schema, name, n) in ghost.statistics if (schema, name) == place and (n in words or f'"{n}"' in words)
    ]
    if len(names) != 1:
        return None
    kinds = {key["type"], key["types"].get(names[0])}
    return names[0] if len(kinds) == 1 or kinds <= _STRINGS else None


def _key(ghost: Ghost, key: dict[str, Any], table: dict[str, Any]) -> index_size.Key:
    part = _PART.match(key["expression"] or "")
    known = _statistics(ghost, table, key["column"] or (None if part else _like(ghost, key, table)))
    lengths = _LENGTHS.get(key["type"])
    rows = max(float(table["tuples"]), 1.0)
    varying = key["length"] < 0
    unknown = int(part[1]) + 1.0 if part else _UNKNOWN_WIDTH
    width = float(key["length"]) if not varying else float(known.avg_width) if known else unknown
    if known is None:
        return index_size.Key(
            width=width, align=_ALIGN[key["align"]], varying=varying, distinct=_UNKNOWN_DISTINCT, merges=key["merges"]
        )
    distinct = known.n_distinct if known.n_distinct > 0 else -known.n_distinct * rows
    return index_size.Key(
        width=width,
        align=_ALIGN[key["align"]],
        varying=varying,
        distinct=max(distinct, 1.0),
        null_frac=known.null_frac,
        common=known.most_common_freqs or (),
        merges=key["merges"],
        widths=_widths(known, lengths) if lengths else (),
    )


def _text_length(value: str) -> int:
    return len(value.encode()) + 1


def _numeric_length(value: str) -> int:
    """Two bytes of header after varlena's own, and two for each four decimal digits that are not zero."""
    whole, _, part = value.lstrip("-").partition(".")
    whole, part = whole.lstrip("0"), part.rstrip("0")
    return 3 + 2 * (-(-len(whole) // 4) + -(-len(part) // 4))


_LENGTHS = {"text": _text_length, "varchar": _text_length, "bpchar": _text_length, "numeric": _numeric_length}


def _widths(known: Attribute, length: Callable[[str], int]) -> tuple[int, ...]:
    """The lengths of sampled values, each as often as it weighs."""
    found: list[int] = []
    common = _elements_of(known.most_common_vals)
    for value, frequency in zip(common, known.most_common_freqs or (), strict=False):
        found += [length(value)] * max(1, round(frequency * 200))
    rest = _elements_of(known.histogram_bounds)
    times = max(1, round((1 - sum(known.most_common_freqs or ())) * 200 / max(len(rest), 1)))
    found += [length(value) for value in rest for _ in range(times)]
    return tuple(found)


def _elements_of(text: str | None) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", a) if a else b for a, b in _ELEMENT.findall(text or "")]


def _elements(
    ghost: Ghost, key: dict[str, Any], table: dict[str, Any], rows: float, width: float
) -> tuple[float, float, float]:
    """Of a GIN index: entries a row, distinct entries, and the bytes of one."""
    known = _statistics(ghost, table, key["column"])
    if key["class"].startswith("gin_trgm"):
        return width + 1, min(rows * width, 30_000.0), 8.0
    if known is not None and known.elem_count_histogram:
        common = _elements_of(known.most_common_elems)
        each = known.elem_count_histogram[-1]
        rare = (known.most_common_elem_freqs or (0.0,) * 3)[-3] or 1e-4
        distinct = max(float(len(common)), 0.5 * each / max(rare, 1e-6) if len(common) >= 900 else len(common) * 1.1)
        size = sum(len(value) for value in common) / len(common) + 1 if common else 8.0
        return each, distinct, size
    if key["class"] == "jsonb_path_ops":
        return max(width / 20, 1.0), rows, 4.0
    return max(width / 10, 1.0), max(rows / 2, 1.0), 10.0
