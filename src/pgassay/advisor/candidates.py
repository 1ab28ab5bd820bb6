"""From what queries ask of a table to the indexes that could serve it: every kind, ordered by promise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from pgassay.advisor.bounds import MOST, is_body, longest
from pgassay.advisor.coverage import full_keys
from pgassay.advisor.model import Candidate, IndexKind, Query
from pgassay.catalog import Catalog, Column, ColumnStats, Table, TableSize, View
from pgassay.model import Name, quote
from pgassay.sql.predicates import Block, Key, Order, Use

_MOST_KEYS = 5
_MOST_INCLUDED = 8
_WIDEST_INCLUDED = 160  # bytes of all included columns together, on average
_LONGEST_INCLUDED = 400  # characters of all included columns together, at most
_SCARCE = 0.2  # share of rows, below which the index of just these rows is the likeliest
_FEW = 64  # distinct values up to which a constant may become a partial index
_FEW_NUMBERS = 16  # of a number in a statement without parameters, which may be but an example
_PATTERN_TYPES = {
    "text": "text_pattern_ops",
    "character varying": "varchar_pattern_ops",
    "character": "bpchar_pattern_ops",
}
_TINY = 4  # pages
_SHAPES = frozenset({"point", "box", "polygon", "circle"})  # GiST knows them
_UNORDERED = frozenset({"json", "xml", "line", "lseg", "path"}) | _SHAPES


@dataclass(frozen=True, slots=True)
class World:
    """What candidates are derived from: schema, statistics, sizes, and the search path of bare names."""

    catalog: Catalog
    statistics: Mapping[Name, Mapping[str, ColumnStats]]
    sizes: Mapping[Name, TableSize]
    path: tuple[str, ...] = ("public",)
    count: Callable[[Name, str], float | None] = lambda _table, _expression: None  # distinct values of an expression
    _tables: dict[Name, Table] = field(default_factory=dict, init=False, compare=False)
    _views: dict[Name, View] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        self._tables.update((t.name, t) for t in self.catalog.tables)
        self._views.update((v.name, v) for v in self.catalog.views)
        # The first schema of the path wins.
        for schema in reversed(self.path):
            self._tables.update((Name(None, t.name.name), t) for t in self.catalog.tables if t.name.schema == schema)
            self._views.update((Name(None, v.name.name), v) for v in self.catalog.views if v.name.schema == schema)

    def table(self, name: Name) -> Table | None:
        """The table of that name, as a query writes it."""
        return self._tables.get(name)

    def view(self, name: Name) -> str | None:
        """The SELECT of the view of that name; None where there is none, or where it holds rows of its own."""
        found = self._views.get(name)
        return found.definition if found is not None and not found.materialized else None

    def columns(self, name: Name) -> tuple[str, ...] | None:
        """Its columns; None where there is no such table."""
        table = self.table(name)
        return tuple(c.name for c in table.columns) if table else None

    def distinct(self, table: Table, column: str) -> float:
        """Distinct values, as the statistics say; all rows where they say nothing."""
        rows = self.rows(table)
        known = self.statistics.get(table.name, {}).get(column)
        if known is None:
            return rows
        return known.n_distinct if known.n_distinct > 0 else max(-known.n_distinct * rows, 1.0)

    def tiny(self, table: Table) -> bool:
        """Whether reading all of it costs no more than looking into an index."""
        size = self.sizes.get(table.name)
        return size is not None and size.rows is not None and size.pages <= _TINY

    def rows(self, table: Table) -> float:
        """Rows of the table."""
        size = self.sizes.get(table.name)
        return float(size.rows or 1) if size else 1.0


def candidates(query: Query, world: World) -> tuple[Candidate, ...]:
    """Every index worth trying for a query, the likeliest first, without those that are there already."""
    found: dict[Candidate, None] = {}
    for block in query.blocks:
        for position, ref in enumerate(block.tables):
            table = world.table(ref.name)
            if table is None or table.kind == "foreign table" or world.tiny(table):
                continue
            for candidate in _Asked(block, position, table, world, parametrised="$" in query.text).all():
                if not _there(candidate, table):
                    found.setdefault(candidate, None)
    return tuple(found)


def _there(candidate: Candidate, table: Table) -> bool:
    """Whether the table has just this index, or a plain one of the same keys."""
    keys = tuple(_plain(k) for k in candidate.keys)
    return any(
        (i.method, i.where) == (candidate.method, candidate.where)
        and tuple(map(_plain, full_keys(i))) == keys
        and set(candidate.include) <= set(i.include)
        and i.valid
        for i in table.indexes
    )


def _plain(key: str) -> str:
    return key.replace(" ASC", "").replace('"', "")


_Where = tuple[str, tuple[str, ...], bool]  # SQL, its columns, whether for one value of many like it


@dataclass(frozen=True, slots=True)
class _Piece:
    """A key as it stands in an index, with the columns behind it."""

    text: str
    columns: tuple[str, ...]
    kind: IndexKind = "btree"


class _Asked:
    """What one block asks of one of its tables."""

    def __init__(self, block: Block, position: int, table: Table, world: World, *, parametrised: bool = False) -> None:
        self.table, self.world, self.block = table, world, block
        self.parametrised = parametrised
        # What is never NULL is asked for NULLs only behind an outer join.
        mine = [u for u in block.uses if u.table == position and not (u.kind == "null" and self._never_null(u.key))]
        self.shapes = [u.key for u in mine if u.kind in ("contains", "overlaps") and self._base(u.key) in _SHAPES]
        self.shapes += [o[0].key for o in block.orders if o and o[0].table == position and o[0].near]
        self.uses = [replace(u, kind="range") if self._network(u) else u for u in mine if self._known(u.key)]
        orders = [o for o in block.orders if o and o[0].table == position and not o[0].near]
        self.orders = [o for o in orders if all(self._known(k.key) for k in o)]
        self.wanted = block.columns[position]
        plain = [u for u in self.uses if u.arm is None]
        self.equal = self._pieces(u for u in plain if u.kind in ("equal", "true", "false", "null") and u.other is None)
        self.joined = self._pieces(u for u in plain if u.kind == "equal" and u.other is not None)
        self.listed = self._pieces(u for u in plain if u.kind == "in")
        self.ranged = self._pieces(u for u in plain if u.kind == "range")
        self.prefixed = [p for u in plain if u.kind == "like" and _may_be_prefix(u) and (p := self._pattern(u.key))]
        self.plain = plain

    def _known(self, key: Key) -> bool:
        columns = [self.table.column(name) for name in key.columns]
        return all(c is not None and c.base not in _UNORDERED for c in columns) or (
            key.column is None and all(c is not None for c in columns)
        )

    def _never_null(self, key: Key) -> bool:
        column = self._column(key)
        return column is not None and column.not_null

    def _base(self, key: Key) -> str | None:
        column = self._column(key)
        return column.base if column else None

    def _network(self, use: Use) -> bool:
        """Whether it asks for addresses inside a network, which are a range to a B-tree."""
        return use.operator in ("<<", "<<=") and self._base(use.key) in ("inet", "cidr")

    def _column(self, key: Key) -> Column | None:
        return self.table.column(key.column) if key.column else None

    def _piece(self, key: Key) -> _Piece | None:
        column = self._column(key)
        if column is not None and (column.base in ("jsonb", "tsvector") or column.category == "A"):
            return None
        if column is not None and self._is_body(column):
            return None
        if key.column:
            return _Piece(key.text, key.columns)
        return _Piece(_bracketed(key.text), key.columns, "expression")

    def _is_body(self, column: Column) -> bool:
        known = self.world.statistics.get(self.table.name, {}).get(column.name)
        return is_body(self.table, column, self.world.catalog, known.avg_width if known else None)

    def bodies(self) -> list[str]:
        """Columns that would be keys, were their values not too long for it."""
        asked = [u.key for u in self.plain if u.kind in ("equal", "in", "range", "like")]
        asked += [o.key for order in self.orders for o in order]
        columns = {c.name: c for key in asked if (c := self._column(key)) is not None}
        return sorted(name for name, column in columns.items() if self._is_body(column))

    def _pieces(self, uses: Iterable[Use]) -> list[_Piece]:
        found = {u.key.text: p for u in uses if (p := self._piece(u.key))}
        # The column that tells most rows apart leads; ties by name, so that the same advice comes out each time.
        return sorted(found.values(), key=lambda p: (-self._distinct(p), p.text))

    def _distinct(self, piece: _Piece) -> float:
        if piece.kind == "expression":
            counted = self.world.count(self.table.name, piece.text)
            if counted is not None:
                return counted
        return max(self.world.distinct(self.table, c) for c in piece.columns)

    def _pattern(self, key: Key) -> _Piece | None:
        column = self._column(key)
        if column is None:
            return _Piece(f"{_bracketed(key.text)} text_pattern_ops", key.columns, "pattern")
        if column.base not in _PATTERN_TYPES or self._is_body(column):
            return None
        if column.collation and '"C"' in column.collation:
            return _Piece(key.text, key.columns)
        return _Piece(f"{key.text} {_PATTERN_TYPES[column.base]}", key.columns, "pattern")

    # B-trees

    def all(self) -> Iterator[Candidate]:
        """The likeliest first."""
        whole, partial = self._trees(), self._partial()
        yield from _alternating(partial, whole) if self._scarce() else _alternating(whole, partial)
        yield from self._arms()
        yield from self._inverted(self.plain, self.equal)
        yield from self._others()

    def _trees(self) -> Iterator[Candidate]:
        seen: dict[tuple[str, ...], None] = {}
        for keys in self._sequences(self.equal, self.joined, self.listed, [*self.ranged, *self.prefixed]):
            texts = tuple(k.text for k in keys)
            if texts in seen:
                continue
            seen[texts] = None
            yield from self._variants(keys, None)

    def _sequences(
        self, equal: list[_Piece], joined: list[_Piece], listed: list[_Piece], ranged: list[_Piece]
    ) -> Iterator[list[_Piece]]:
        heads: list[list[_Piece]] = [equal, [*joined, *equal], [*equal, *joined]]
        heads += [[p] for p in (*equal, *joined)]
        heads += [[*equal, *listed], *([*equal, p] for p in listed)]
        heads += [[j, *equal] for j in joined]
        heads += [[*equal, j] for j in joined]
        orders = [self._order(o) for o in self.orders]
        for head in heads:
            prefixes = [p for p in ranged if p.kind == "pattern"]  # they leave few rows to sort
            for piece in prefixes:
                if _stem(piece) not in {_stem(h) for h in head}:
                    yield _cut([*head, piece])
            for order in orders:
                rest = [p for p in order if _stem(p) not in {_stem(h) for h in head}]
                if rest:
                    yield _cut([*head, *rest])
                    later = [p for p in (*listed, *ranged) if _stem(p) not in {_stem(h) for h in (*head, *rest)}]
                    if later:
                        yield _cut([*head, *rest, *later])
            for piece in ranged:
                if _stem(piece) not in {_stem(h) for h in head}:
                    yield _cut([*head, piece])
            if head:
                yield _cut(head)

    def _order(self, order: Sequence[Order]) -> list[_Piece]:
        """The keys with their directions; turned round where the first descends, since indexes are read both ways."""
        turn = order[0].descending
        pieces = []
        for each in order:
            piece = self._piece(each.key)
            if piece is None:
                break
            descending, nulls_first = each.descending != turn, each.nulls_first != turn
            column = self._column(each.key)
            words = " DESC" if descending else ""
            if nulls_first != descending and not each.free and not (column is not None and column.not_null):
                words += " NULLS FIRST" if nulls_first else " NULLS LAST"
            pieces.append(replace(piece, text=piece.text + words))
        return pieces

    def _variants(self, keys: list[_Piece], where: _Where | None) -> Iterator[Candidate]:
        kind: IndexKind = "partial" if where else next((k.kind for k in keys if k.kind != "btree"), "btree")
        columns = tuple(dict.fromkeys(c for k in keys for c in k.columns))
        plain = Candidate(
            table=self.table.name,
            keys=tuple(k.text for k in keys),
            columns=tuple(dict.fromkeys((*columns, *(where[1] if where else ())))),
            kind=kind,
            where=where[0] if where else None,
            ordered=self.block.limited and self._returns_order(keys),
            narrow=where is not None and where[2],
            conditions=where[1] if where else (),
        )
        yield plain
        include = self._included(keys, where)
        if include:
            both = tuple(dict.fromkeys((*plain.columns, *include)))
            yield replace(plain, include=include, columns=both, kind="partial" if where else "covering")

    def _returns_order(self, keys: list[_Piece]) -> bool:
        """Whether the last keys are the final order, behind columns that are fixed."""
        wanted = [p.text for p in self._order(self.orders[0])] if self.orders else []
        texts = [k.text for k in keys]
        fixed = {_stem(p) for p in self.equal}
        place = next((n for n, k in enumerate(keys) if _stem(k) not in fixed), len(keys))
        return bool(wanted) and texts[place : place + len(wanted)] == wanted

    def _included(self, keys: list[_Piece], where: _Where | None) -> tuple[str, ...]:
        """What else an index-only scan needs; nothing where that is too much, or where an expression is in the way."""
        if self.wanted is None:
            return ()
        held = {k.columns[0] for k in keys if k.kind != "expression"} | set(where[1] if where else ())
        extra = sorted(self.wanted - held)
        columns = [c for name in extra if (c := self.table.column(name)) is not None]
        most = [longest(self.table, column, self.world.catalog) or MOST + 1 for column in columns]
        if max(most, default=0) > MOST or sum(most) > _LONGEST_INCLUDED:
            return ()
        known = self.world.statistics.get(self.table.name, {})
        width = sum(known[c].avg_width if c in known else 16 for c in extra)
        if not extra or len(extra) > _MOST_INCLUDED or width > _WIDEST_INCLUDED:
            return ()
        return tuple(extra)

    # partial indexes

    def _partial(self) -> Iterator[Candidate]:
        fixed = [u for u in self.plain if u.text is not None and self._fixed(u)]
        if not fixed:
            return
        nulls = [u for u in fixed if u.kind in ("null", "true", "false")]
        for chosen in [fixed, nulls] if 0 < len(nulls) < len(fixed) else [fixed]:
            where = self._where(chosen)
            taken = {u.key.text for u in chosen if u.kind != "not null" and u.kind != "unequal"}
            equal = [p for p in self.equal if _stem(p) not in {stem(t) for t in taken}]
            listed = [p for p in self.listed if _stem(p) not in {stem(t) for t in taken}]
            ranged = [p for p in (*self.ranged, *self.prefixed) if _stem(p) not in {stem(t) for t in taken}]
            seen: dict[tuple[str, ...], None] = {}
            for keys in self._sequences(equal, self.joined, listed, ranged):
                texts = tuple(k.text for k in keys)
                if texts not in seen:
                    seen[texts] = None
                    yield from self._variants(keys, where)
            if not seen:
                # One of the fixed columns: its equal keys are merged. Else the primary key.
                first = next((u for u in chosen if u.key.column and (piece := self._piece(u.key))), None)
                piece = self._piece(first.key) if first else None
                for keys in ([piece] if piece else [], self._any_key(taken)):
                    if keys:
                        yield from self._variants(keys, where)
            others = [u for u in self.plain if u not in chosen]
            for candidate in self._inverted(others, equal):
                columns = (*candidate.columns, *where[1])
                yield replace(candidate, where=where[0], columns=columns, narrow=where[2], conditions=where[1])

    def _scarce(self) -> bool:
        """Whether conditions that are part of the query's meaning leave few of the rows."""
        share = 1.0
        for use in self.plain:
            if use.text is not None and self._fixed(use):
                share *= self._share(use)
        return share < _SCARCE

    def _share(self, use: Use) -> float:
        stats = self.world.statistics.get(self.table.name, {}).get(use.key.column or "")
        if stats is None:
            return 1.0
        common = dict(zip(stats.most_common_vals or (), stats.most_common_freqs or (), strict=False))
        if use.kind == "null":
            return stats.null_frac
        if use.kind in ("true", "false"):
            return common.get(use.kind[0], 1.0)
        if use.kind == "not null":
            return 1.0 - stats.null_frac
        values = [m.replace("''", "'") for m in re.findall(r"'((?:[^']|'')*)'", use.value or "")]
        if not values or use.kind not in ("equal", "in", "unequal"):
            return 1.0
        told = sum(common.get(v, 0.0 if use.kind == "unequal" else 0.01) for v in values)
        return 1.0 - told if use.kind == "unequal" else told

    def _where(self, chosen: Sequence[Use]) -> _Where:
        texts = sorted({f"({u.text})" if u.kind == "other" else str(u.text) for u in chosen})
        columns = tuple(sorted({c for u in chosen for c in u.key.columns}))
        return " AND ".join(texts), columns, any(self._one_of_many(u) for u in chosen)

    def _one_of_many(self, use: Use) -> bool:
        """Whether a constant is a value like the others of its column: the next call may well ask for another."""
        if self.parametrised or use.kind not in ("equal", "in") or use.key.column is None or use.value is None:
            return False
        stats = self.world.statistics.get(self.table.name, {}).get(use.key.column)
        known = re.fullmatch(r"'((?:[^']|'')*)'(?:::.*)?|(-?\d+)", use.value)
        if stats is None or known is None or use.kind == "in":
            return False
        value = known[2] or known[1].replace("''", "'")
        shares = dict(zip(stats.most_common_vals or (), stats.most_common_freqs or (), strict=False))
        distinct = self.world.distinct(self.table, use.key.column)
        return distinct >= 3 and 0.5 / distinct <= shares.get(value, 0.0) <= 2 / distinct

    def _any_key(self, taken: set[str]) -> list[_Piece]:
        key = self.table.primary_key
        names = key.columns[:1] if key else ()
        return [_Piece(quote(n), (n,)) for n in names if quote(n) not in taken]

    def _fixed(self, use: Use) -> bool:
        """Whether a predicate is part of the query's meaning and no value that differs from call to call."""
        if use.kind in ("null", "true", "false"):
            return True
        if use.kind == "not null":
            column = self._column(use.key)
            return column is not None and not column.not_null
        few = self._few(use)
        return few and (use.kind == "other" or (use.kind in ("equal", "in", "unequal") and use.value is not None))

    def _few(self, use: Use) -> bool:
        """Whether so few values are compared that a constant among them is likely to be meant as such."""
        columns = [c for name in use.key.columns if (c := self.table.column(name)) is not None]
        if any(c.category == "D" for c in columns):  # moments pass
            return False
        if use.key.column is None and use.kind != "other":
            counted = self.world.count(self.table.name, use.key.text)
            return counted is not None and counted <= _FEW
        most = {c.name: _FEW if self.parametrised or c.category not in "NU" else _FEW_NUMBERS for c in columns}
        return all(self.world.distinct(self.table, name) <= number for name, number in most.items())

    # ORs

    def _arms(self) -> Iterator[Candidate]:
        for number in sorted({u.arm for u in self.uses if u.arm is not None}):
            uses = [u for u in self.uses if u.arm == number]
            kinds = ("equal", "in", "true", "false", "null")
            keys = self._pieces(u for u in uses if u.kind in kinds)
            ranged = self._pieces(u for u in uses if u.kind == "range")
            ranged += [p for u in uses if u.kind == "like" and _may_be_prefix(u) and (p := self._pattern(u.key))]
            sequences = [keys, *([*keys, r] for r in ranged)]
            for head in ([], self.equal):
                for keys in sequences:
                    rest = [p for p in keys if _stem(p) not in {_stem(h) for h in head}]
                    if rest:
                        yield next(self._variants(_cut([*head, *rest]), None))
            yield from self._inverted(uses, self.equal)

    # inverted, block-range, hash

    def _inverted(self, uses: Sequence[Use], equal: list[_Piece]) -> Iterator[Candidate]:
        keys: dict[str, tuple[_Piece, str | None, IndexKind, str]] = {}
        for use in uses:
            column = self._column(use.key)
            base = column.base if column else None
            text = use.key.text if use.key.column else _bracketed(use.key.text)
            if use.kind in ("ilike", "regex", "similar") or (use.kind == "like" and not _only_prefix(use)):
                if base is None or base in _PATTERN_TYPES:
                    piece = _Piece(f"{text} gin_trgm_ops", use.key.columns)
                    keys[piece.text] = (piece, "pg_trgm", "trigram", "gin")
            elif use.kind in ("contains", "has key", "overlaps", "matches"):
                if column is not None and base in ("inet", "cidr"):
                    keys[text] = (_Piece(f"{text} inet_ops", use.key.columns), None, "gist", "gist")
                elif column is not None and column.category == "R":
                    keys[text] = (_Piece(text, use.key.columns), None, "gist", "gist")
                elif column is None or base in ("jsonb", "tsvector") or column.category == "A":
                    if use.kind == "contains" and (column is None or base == "jsonb"):
                        piece = _Piece(f"{text} jsonb_path_ops", use.key.columns)
                        keys[piece.text] = (piece, None, "gin", "gin")
                    if not (use.kind == "contains" and base == "jsonb"):
                        keys[text] = (_Piece(text, use.key.columns), None, "gin", "gin")
        for piece, extension, kind, method in keys.values():
            alone = Candidate(
                table=self.table.name,
                keys=(piece.text,),
                columns=piece.columns,
                kind=kind,
                method=method,
                extension=extension,
            )
            yield alone
            scalars = [p for p in equal if p.kind == "btree" and p.columns != piece.columns][:2]
            if scalars and method == "gin":
                both = "btree_gin" if extension is None else f"btree_gin,{extension}"
                yield replace(
                    alone,
                    keys=(*(p.text for p in scalars), piece.text),
                    columns=(*(c for p in scalars for c in p.columns), *piece.columns),
                    extension=both,
                )

    def _others(self) -> Iterator[Candidate]:
        for text, key in {k.text: k for k in self.shapes}.items():
            yield Candidate(table=self.table.name, keys=(text,), columns=key.columns, kind="gist", method="gist")
        known = self.world.statistics.get(self.table.name, {})
        size = self.world.sizes.get(self.table.name)
        for piece in (*self.ranged, *self.equal):
            if piece.kind != "btree" or self._base(Key("", (), piece.columns[0])) in ("boolean", "xid"):
                continue
            stats = known.get(piece.columns[0])
            if stats and size and size.pages >= 512 and abs(stats.correlation or 0.0) >= 0.9:
                for pages in (16, 128):
                    options = f"pages_per_range = {pages}, autosummarize = on"
                    yield Candidate(
                        table=self.table.name,
                        keys=(piece.text,),
                        columns=piece.columns,
                        kind="brin",
                        method="brin",
                        options=options,
                    )
        hashed = {u.key.text for u in self.plain if u.kind == "equal" and u.key.column}
        for text in sorted(hashed):
            stats = known.get(stem(text).replace('"', ""))
            if stats and stats.avg_width >= 32 and stats.n_distinct < 0:
                column = self.table.column(stem(text).replace('"', ""))
                if column is not None and column.base not in _UNORDERED:
                    yield Candidate(
                        table=self.table.name, keys=(text,), columns=(column.name,), kind="hash", method="hash"
                    )


def _alternating(one: Iterator[Candidate], other: Iterator[Candidate]) -> Iterator[Candidate]:
    """Two of each in turn: an index and what covers more come together."""
    waiting = [one, other]
    while waiting:
        for each in list(waiting):
            some = list(islice(each, 2))
            yield from some
            if len(some) < 2:
                waiting.remove(each)


def unkeyed(query: Query, world: World) -> Iterator[tuple[Name, str]]:
    """Columns that a query compares or sorts by, and that are no keys because their values are too long."""
    for block in query.blocks:
        for position, ref in enumerate(block.tables):
            table = world.table(ref.name)
            if table is not None and table.kind != "foreign table" and not world.tiny(table):
                for name in _Asked(block, position, table, world).bodies():
                    yield table.name, name


def _cut(keys: list[_Piece]) -> list[_Piece]:
    found: dict[str, _Piece] = {}
    for key in keys:
        found.setdefault(_stem(key), key)
    return list(found.values())[:_MOST_KEYS]


def _stem(piece: _Piece) -> str:
    return stem(piece.text)


def stem(text: str) -> str:
    """A key without direction, operator class and brackets."""
    text = re.sub(r"( \w+_ops)?( DESC)?( NULLS (FIRST|LAST))?$", "", text)
    return text[1:-1] if text.startswith("(") and _closes(text) else text


def _bracketed(text: str) -> str:
    """An expression as a key: a function call needs no brackets, anything else does."""
    if re.match(r"[a-z_]\w*\(", text) and _closes(text[text.index("(") :]):
        return text
    return f"({text})"


def _closes(text: str) -> bool:
    """Whether the bracket that opens the text is closed by its last character."""
    depth, inside = 0, False
    for place, character in enumerate(text):
        if character == "'":
            inside = not inside
        elif not inside and character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return place == len(text) - 1
    return False


def _may_be_prefix(use: Use) -> bool:
    return use.value is None or re.match(r"E?'[^%_\\']", use.value) is not None


def _only_prefix(use: Use) -> bool:
    return (use.value is not None and re.match(r"'[^%_\\']+%?'$", use.value) is not None) or use.operator == "^@"
