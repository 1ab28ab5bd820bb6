"""A ghost's files: sparse, as large as production's, with just the pages that the planner looks at.

The planner asks the file for its size; zero pages are valid empty pages. Of a B-tree it reads the metapage (height) and
walks to its ends (``get_actual_variable_range``); of GIN and BRIN it reads the metapage. Layouts: bufpage.h, nbtree.h,
ginblock.h, brin_page.h, the same in all versions that we know (9.4 to 18).
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

PAGE = 8192
SEGMENT = 131072  # pages of a file of 1 GiB
_E = "<" if sys.byteorder == "little" else ">"
_HEADER = struct.Struct(f"{_E}QHHHHHHI")  # lsn, checksum, flags, lower, upper, special, size and version, prune xid
_OPAQUE = struct.Struct(f"{_E}IIIHH")  # previous, next, level, flags, cycle id
_LEAF, _ROOT = 1, 2
_CONTENTS = 24
_BTREE_MAGIC = 0x053162
_MAP_ENTRIES = 1360  # REVMAP_PAGE_MAXITEMS


def resize(path: Path, blocks: int) -> None:
    """Make a relation's file that many pages long, in segments of 1 GiB, without a byte on disk for the new ones."""
    number = 0
    while True:
        part = path.with_name(f"{path.name}.{number}") if number else path
        size = min(blocks, SEGMENT) * PAGE
        if number:
            with open(part, "ab"):  # noqa: PTH123 - thousands of them
                pass
            _own_like(path, part)
        os.truncate(part, size)
        blocks -= SEGMENT
        number += 1
        if blocks < 0:  # a full last segment is followed by an empty one, as PostgreSQL has it
            return


def shrink(path: Path) -> None:
    """Let the first segment be empty: a session that has not opened the relation yet takes it for an empty one."""
    os.truncate(path, 0)


def _own_like(model: Path, path: Path) -> None:
    if os.geteuid() == 0:
        facts = model.stat()
        os.chown(path, facts.st_uid, facts.st_gid)
    path.chmod(0o600)


def write_btree(path: Path, height: int, entries: Sequence[bytes] = ()) -> None:
    """Give the B-tree a height and a path to its ends: one page a level, each with a key below all others, to a leaf.

    ``entries`` are that leaf's index tuples, in order. The file must be longer than ``height + 1`` pages.
    """
    with path.open("r+b") as file:
        meta = bytearray(file.read(PAGE))
        (magic,) = struct.unpack_from(f"{_E}I", meta, _CONTENTS)
        if magic != _BTREE_MAGIC:
            raise ValueError(f"{path} is no B-tree")
        struct.pack_into(f"{_E}IIII", meta, _CONTENTS + 8, 1, height, 1, height)
        file.seek(0)
        file.write(meta)
        for number in range(height + 1):
            level = height - number
            # A pivot tuple of no columns (minus infinity): the page below, INDEX_ALT_TID_MASK and its 8 bytes.
            below = number + 2
            pivot = struct.pack(f"{_E}HHHH", below >> 16, below & 0xFFFF, 0, 0x2000 | 8)
            file.write(_btree_page([pivot] if level else entries, level, root=number == 0))


def _btree_page(items: Sequence[bytes], level: int, *, root: bool) -> bytes:
    page = bytearray(PAGE)
    special = PAGE - _OPAQUE.size
    flags = (_ROOT if root else 0) | (_LEAF if level == 0 else 0)
    _OPAQUE.pack_into(page, special, 0, 0, level, flags, 0)
    lower, upper = _CONTENTS, special
    for item in items:
        upper -= len(item)
        page[upper : upper + len(item)] = item
        struct.pack_into(f"{_E}I", page, lower, _pointer(upper, len(item)))
        lower += 4
    _HEADER.pack_into(page, 0, 0, 0, 0, lower, upper, special, PAGE | 4, 0)
    return bytes(page)


def _pointer(offset: int, length: int) -> int:
    """A line pointer: bit fields of 15, 2 and 15 bits, which run the other way on big-endian machines."""
    return offset | 1 << 15 | length << 17 if _E == "<" else offset << 17 | 1 << 15 | length


def entry(value: bytes, width: int, row: int) -> bytes:
    """An index tuple of ``width`` columns for row ``row`` of page 0: the first value given, the others null."""
    data = struct.pack(f"{_E}I", 1) + bytes(4) + value if width > 1 else value
    size = -(-(8 + len(data)) // 8) * 8
    info = size | (0x8000 if width > 1 else 0)
    return (struct.pack(f"{_E}HHHH", 0, 0, row, info) + data).ljust(size, b"\0")


def values(path: Path) -> list[bytes]:
    """The first column of all rows of a table just filled, as its bytes on disk, in the order of insertion."""
    data = path.read_bytes()
    found = []
    for start in range(0, len(data), PAGE):
        page = data[start : start + PAGE]
        (lower,) = struct.unpack_from(f"{_E}H", page, 12)
        for (pointer,) in struct.iter_unpack(f"{_E}I", page[_CONTENTS:lower]):
            offset, length = (pointer & 0x7FFF, pointer >> 17) if _E == "<" else (pointer >> 17, pointer & 0x7FFF)
            found.append(page[offset + page[offset + 22] : offset + length])
    return found


def mark_visible(heap: Path) -> None:
    """Call the table's first page all-visible, so that the planner believes an index's ends without looking there."""
    path = heap.with_name(f"{heap.name}_vm")
    page = bytearray(PAGE)
    _HEADER.pack_into(page, 0, 0, 0, 0, _CONTENTS, PAGE, PAGE, PAGE | 4, 0)
    page[_CONTENTS] = 1
    path.write_bytes(page)
    _own_like(heap, path)


def write_gin(path: Path, pending: int, total: int, entry_pages: int, data_pages: int, entries: int) -> None:
    """Write a GIN index's counters into its metapage."""
    with path.open("r+b") as file:
        file.seek(_CONTENTS + 12)
        file.write(struct.pack(f"{_E}I", pending))
        file.seek(_CONTENTS + 24)
        file.write(struct.pack(f"{_E}IIIxxxxq", total, entry_pages, data_pages, entries))


def write_brin(path: Path, table_blocks: int) -> None:
    """Write how many pages a BRIN index's map has for a table of that size into its metapage."""
    with path.open("r+b") as file:
        file.seek(_CONTENTS + 8)
        (per_range,) = struct.unpack(f"{_E}I", file.read(4))
        ranges = -(-table_blocks // max(per_range, 1))
        file.seek(_CONTENTS + 12)
        file.write(struct.pack(f"{_E}I", max(1, -(-ranges // _MAP_ENTRIES))))
