"""The file of ``pgassay twin export``: gzip'd JSON, described by the dataclasses below (``docs/reference`` has it too).

It holds no row. With values it holds samples of columns (most common values, histogram bounds); ``values`` says so.
"""

from __future__ import annotations

import gzip
import io
import os
import secrets
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pgassay.errors import DiskFull, InputError

FORMAT = "pgassay-twin/1"
_MOST = 1 << 30  # bytes unpacked: a file that holds more is none of ours
_PACK = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What the production server is. ``provider`` is ``c`` (libc), ``i`` (ICU) or ``b`` (built in)."""

    version: str
    number: int
    encoding: str
    collate: str
    ctype: str
    provider: str = "c"
    locale: str | None = None
    block_size: int = 8192

    @property
    def major(self) -> int:
        """The major version; 9.6 counts as 9."""
        return self.number // 10000


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, materialised view or index: ``kind`` as in ``pg_class.relkind``.

    ``blocks`` is the size of its file now and ``toast_blocks`` that of its TOAST table, in pages; ``pages``, ``tuples``
    and ``all_visible`` are what the last VACUUM or ANALYZE left in ``pg_class``. Of an index: its ``table``,
    ``method`` and ``order`` of creation, ``height`` of a B-tree (levels above the leaves; ``measured`` where the index
    said so itself), and ``gin``: pending, all, entry and data pages, and entries. ``tablespace`` is named where it has
    costs of its own.
    """

    schema: str
    name: str
    kind: str
    blocks: int
    pages: int
    tuples: float
    all_visible: int = 0
    toast_blocks: int = 0
    table: str | None = None
    method: str | None = None
    order: int = 0
    height: int | None = None
    measured: bool = False
    tablespace: str | None = None
    gin: tuple[int, int, int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A column's statistics as in ``pg_stats``; lists of values are texts of arrays. ``number`` counts in an index."""

    schema: str
    relation: str
    name: str
    number: int
    index: bool
    inherited: bool
    null_frac: float
    avg_width: int
    n_distinct: float
    most_common_vals: str | None = None
    most_common_freqs: tuple[float, ...] | None = None
    histogram_bounds: str | None = None
    correlation: float | None = None
    most_common_elems: str | None = None
    most_common_elem_freqs: tuple[float, ...] | None = None
    elem_count_histogram: tuple[float, ...] | None = None
    range_length_histogram: str | None = None
    range_empty_frac: float | None = None
    range_bounds_histogram: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """The data of one statistics object (``CREATE STATISTICS``): of a table's own rows, or of its whole tree.

    ``keys`` are the columns' numbers; in ``ndistinct`` and ``dependencies`` columns are numbered the same way, and
    expressions -1, -2 …. A dependency is (columns …, implied column) and its degree. ``mcv`` is (values, frequency,
    base frequency) an item. ``expressions`` are the statistics of each expression.
    """

    schema: str
    name: str
    inherited: bool
    keys: tuple[int, ...]
    ndistinct: tuple[tuple[tuple[int, ...], float], ...] = ()
    dependencies: tuple[tuple[tuple[int, ...], float], ...] = ()
    mcv: tuple[tuple[tuple[str | None, ...], float, float], ...] = ()
    expressions: tuple[Attribute | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The least and greatest value of a column that leads a B-tree: the planner looks them up beyond histograms."""

    schema: str
    table: str
    column: str
    low: str
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A statement of the workload: how often it ran, its total milliseconds of execution, and the rows of all calls."""

    query: str
    calls: int
    milliseconds: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """All that a ghost is made of. ``left_out`` says what could not be read, in words.

    ``settings`` are those of the role that was named, or of the one that exported; ``tablespaces`` the options of those
    that have some.
    """

    format: str = FORMAT
    made: str
    values: bool
    server: ServerFacts
    settings: dict[str, str]
    search_path: str | None
    schema: str
    relations: tuple[Relation, ...]
    attributes: tuple[Attribute, ...]
    extended: tuple[Extended, ...] = ()
    ends: tuple[End, ...] = ()
    workload: tuple[Call, ...] = ()
    tablespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = field(default=())

    @property
    def bytes(self) -> int:
        """What the tables, indexes and TOAST tables take on production."""
        return sum(r.blocks + r.toast_blocks for r in self.relations) * self.server.block_size


def settled(export: Export) -> Export:
    """The export as it will be read from its file: whole numbers that should be floats are."""
    return msgspec.convert(msgspec.to_builtins(export), Export)


def pack(export: Export) -> bytes:
    """The file's bytes: the same for the same export."""
    return gzip.compress(msgspec.json.encode(export), _PACK, mtime=0)


def save(export: Export, path: Path) -> int:
    """Write the file in one step and return its size in bytes. Raises InputError, DiskFull."""
    data = pack(export)
    target = path.resolve()
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return len(data)
        try:
            # Statistics are samples of the data: nobody else's business.
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(data)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (28, 122):
            raise DiskFull(f"{path} could not be written") from error
        raise InputError(f"cannot be written: {error.strerror or error}", path=str(path)) from error
    return len(data)


def load(path: Path) -> Export:
    """Read a file. Raises InputError where it is none of ours, or cut short."""
    try:
        with gzip.open(io.BytesIO(path.read_bytes())) as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise InputError("is not a twin export", path=str(path), hint=_HINT) from None
        raise InputError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    except (EOFError, zlib.error):
        raise InputError("is damaged or cut short", path=str(path)) from None
    if len(data) > _MOST:
        raise InputError("is too large for a twin export", path=str(path))
    try:
        export = msgspec.json.decode(data, type=Export)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"is not a twin export: {error}", path=str(path), hint=_HINT) from None
    if export.format != FORMAT:
        raise InputError(f"has the format {export.format!r}; this pgassay reads {FORMAT}", path=str(path))
    wrong = next((r for r in export.relations if not _possible(r)), None)
    if wrong is not None:
        raise InputError(f"has an impossible size for {wrong.schema}.{wrong.name}", path=str(path))
    return export


def _possible(relation: Relation) -> bool:
    """Whether PostgreSQL could have such a relation."""
    numbers = (relation.blocks, relation.toast_blocks, *(relation.gin or ())[:4])
    return (
        all(0 <= number < 2**32 - 1 for number in numbers)
        and all(-(2**31) <= number < 2**31 for number in (relation.pages, relation.all_visible))
        and -1 <= relation.tuples < 1e15
        and 0 <= (relation.height or 0) < 32
        and 0 <= (relation.gin or (0,))[-1] < 2**63
    )


_HINT = "`pgassay twin export URL -o FILE` makes one."
