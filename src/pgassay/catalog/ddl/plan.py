"""From the states of pieces to statements in an order that works.

An operation makes, changes or drops one piece, and what comes and goes with it. Where that lets two of them wait for
each other (two tables with keys to each other), what comes along is taken apart and done by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

from pgassay.catalog.ddl import states, tables, types, write
from pgassay.catalog.ddl.model import Step
from pgassay.catalog.ddl.nodes import INLINE, Node, Pieces
from pgassay.catalog.ddl.order import circles, ordered
from pgassay.catalog.ddl.stakes import losses
from pgassay.catalog.ddl.states import States
from pgassay.catalog.ddl.texts import born, grants
from pgassay.catalog.model import Column, Constraint, Domain, Grant, Object, Other, Table
from pgassay.model import Name, literal, quote

Side = Literal["out", "in"]
Op = tuple[Side, Object]

_OUT = frozenset({"gone", "rebuild", "aside", "parked"})
_LOST = _OUT - {"parked"}  # what is part of it goes with it
_IN = frozenset({"new", "rebuild", "alter", "aside", "parked"})
_SEPARABLE = frozenset({"default", "constraint", "trigger", "policy", "rule", "index", "statistics"})
_RANKS = {
    kind: rank
    for rank, kind in enumerate(
        "schema extension collation type sequence routine table column default ownership constraint index view"
        " attachment statistics trigger rule policy".split()
    )
}


class Plan:
    """The operations between two catalogs."""

    def __init__(self, before: Pieces, after: Pieces) -> None:
        self.before, self.after = before, after
        self.states = States(before, after)
        self.apart: set[Op] = set()
        self.carried: dict[Op, list[Object]] = {}
        self.waits: dict[Op, set[Op]] = {}
        for _ in range(20):
            self._arrange()
            if not self._take_apart():
                break

    def steps(self) -> Iterator[Step]:
        """The statements in order."""
        for op in ordered(list(self.carried), self.waits, _rank):
            side, key = op
            for text in self._leaving(key) if side == "out" else self._arriving(key):
                alone = " ADD VALUE " in text and key.kind == "type"
                yield Step(sql=text, alone=alone, loses=tuple(losses(text, side, key, self.states)), objects=(key,))
        yield from self._positions()

    def _positions(self) -> Iterator[Step]:
        """New sequences of columns that have rows go on behind these."""
        known = self.states.states
        for sequence in self.after.catalog.sequences:
            key = Object("sequence", sequence.name)
            if sequence.owned_by is None or sequence.increment < 0 or known.get(key) not in ("new", "rebuild"):
                continue
            table, column = sequence.owned_by
            kept = (known.get(Object("table", table)), known.get(Object("column", table, column)))
            if not {*kept} <= {"same", "alter", "aside", "parked"}:
                continue
            most = f"max({quote(column)})::bigint"
            yield Step(
                sql=f"SELECT pg_catalog.setval({literal(str(sequence.name))}, {most}) FROM {table}"
                f" HAVING {most} BETWEEN {sequence.minimum} AND {sequence.maximum}",
                objects=(key,),
            )

    # Which operation does what

    def _arrange(self) -> None:
        self.carried = defaultdict(list)
        roots: dict[Op, Op] = {}
        for key, state in self.states.states.items():
            if state in _OUT:
                roots["out", key] = self._root_out(key)
            if state in _IN:
                roots["in", key] = self._root_in(key)
        for (_, key), root in roots.items():
            self.carried[root].append(key)
        waits: dict[Op, set[Op]] = defaultdict(set)

        def first(earlier: Op | None, later: Op | None) -> None:
            if earlier is not None and later is not None and earlier != later:
                waits[later].add(earlier)

        for key, needs in self.before.needs.items():
            gone, changed = roots.get(("out", key)), roots.get(("in", key))
            for needed in needs:
                leaving = roots.get(("out", needed))
                if leaving is not None and leaving[1].kind == "table" and self.before.above.get(needed) == key:
                    continue  # its partition goes as a whole, before it
                first(gone or changed, leaving)
                altered = self.states.states[needed] == "alter" and needed.kind != "schema"
                if altered and self.states.states[key] != "aside":
                    first(gone, roots.get(("in", needed)))
        for key, needs in self.after.needs.items():
            for needed in needs:
                first(roots.get(("in", needed)), roots.get(("in", key)))
                if needed.kind == "constraint" and ("in", needed) not in roots:  # its columns may be retyped yet
                    for column in self.after.needs[needed]:
                        first(roots.get(("in", column)), roots.get(("in", key)))
        for key, state in self.states.states.items():
            pair = roots.get(("out", key)), roots.get(("in", key))
            first(*(pair if state != "aside" else pair[::-1]))
        for below, above in (*self.before.above.items(), *self.after.above.items()):
            for side in ("out", "in"):
                pair = roots.get((side, above)), roots.get((side, below))
                if side == "out":
                    # A parent takes its partitions along: those that go as a whole go before it.
                    whole = pair[1] is not None and pair[1][1].kind == "table"
                    first(*(pair[::-1] if whole else pair))
                elif pair[1] is not None and pair[1][1].kind == "column":
                    first(*pair)
        self._by_name(roots, first)
        self._siblings(roots, first)
        for key in self.after.nodes:
            if key.kind == "default acl" and ("in", key) in roots:
                for op in [root for (side, _), root in roots.items() if side == "in"]:
                    if op[1].kind != "default acl":
                        first(op, roots["in", key])
        self.waits = waits

    def _by_name(self, roots: dict[Op, Op], first: object) -> None:
        assert callable(first)
        leaving: dict[tuple[str, Name], list[Op]] = defaultdict(list)
        for key, node in self.before.nodes.items():
            taken = write.names_taken(node)
            if taken and ("out", key) in roots and self.states.states[key] != "aside":
                leaving[taken].append(roots["out", key])
        for key, node in self.after.nodes.items():
            taken = write.names_taken(node)
            if taken and self.states.states[key] in ("new", "rebuild"):
                for op in leaving.get(taken, ()):
                    first(op, roots["in", key])

    def _siblings(self, roots: dict[Op, Op], first: object) -> None:
        """A table is taken off before it changes; and all are, before one is hung up, since bounds may have moved."""
        assert callable(first)
        for key, node in self.before.nodes.items():
            if key.kind == "attachment" and ("out", key) in roots:
                concerned = {key.name, *node.thing.parents}
                for (side, part), op in roots.items():
                    if side == "in" and part.name in concerned and part.kind in ("column", "constraint"):
                        first(roots["out", key], op)
                for other, new in self.after.nodes.items():
                    if other.kind == "attachment" and new.thing.partition_of == node.thing.partition_of:
                        first(roots["out", key], roots.get(("in", other)))

    def _root_out(self, key: Object) -> Op:
        node, known = self.before.nodes[key], self.states.states
        if ("out", key) in self.apart:
            return "out", key
        if key.kind == "sequence":
            column = self._owning_column(node)
            if column is not None and known[column] in _LOST:
                return self._root_out(column)
            if node.thing.identity and column is not None:
                return self._root_in(column)
        if node.within is not None and known[node.within] in _LOST:
            return self._root_out(node.within)
        above = self.before.above.get(key)
        attachment = Object("attachment", node.owner.name if isinstance(node.owner, Table) else key.name)
        if above is not None and known.get(attachment) not in _LOST and known.get(above) in _LOST:
            plain = self.before.nodes[attachment].thing.partition_of is None
            return ("out", key) if plain else self._root_out(above)
        if above is not None and key.kind == "trigger" and known.get(attachment) in _LOST:
            return self._root_out(attachment)
        if key.kind == "clustering":
            leaving = [needed for needed in self.before.needs[key] if known[needed] in _LOST]
            return self._root_out(leaving[0]) if leaving else ("out", key)
        if key.kind in ("constraint", "index", "statistics"):
            for needed in sorted(self.before.needs[key], key=str):
                if needed.kind == "column" and needed.name == self._table_of(node) and known[needed] in _LOST:
                    return self._root_out(needed)
        return "out", key

    def _owning_column(self, node: Node) -> Object | None:
        owned = node.thing.owned_by
        column = Object("column", owned[0], owned[1]) if owned is not None else None
        return column if column in self.before.nodes else None

    def _table_of(self, node: Node) -> Name | None:
        return node.within.name if node.within is not None else None

    def _root_in(self, key: Object) -> Op:
        node, known = self.after.nodes[key], self.states.states
        if ("in", key) in self.apart or node.within is None:
            return "in", key
        made = known[node.within] in ("new", "rebuild")
        if key.kind == "sequence" and (made or known[key] in ("new", "rebuild")):
            return self._root_in(node.within) if known[node.within] in _IN else ("in", key)
        inlined = key.kind in INLINE and (key.kind != "constraint" or _inlined(node))
        if made and inlined and known[key] in ("new", "rebuild"):
            return self._root_in(node.within)
        if known[node.within] == "aside" and key.kind == "constraint" and _inlined(node):
            return self._root_in(node.within)
        return "in", key

    def _take_apart(self) -> bool:
        """Whether something that came along in a circle was put by itself."""
        taken = False
        for circle in circles(list(self.carried), self.waits):
            for op in circle:
                for key in self.carried[op]:
                    own = (op[0], key)
                    inherited = key in self.before.above or key in self.after.above
                    if own != op and key.kind in _SEPARABLE and own not in self.apart and not inherited:
                        self.apart.add(own)
                        taken = True
        return taken

    # What the operations say

    def _leaving(self, key: Object) -> list[str]:
        node = self.before.nodes[key]
        match key.kind:
            case "table":
                return [f"DROP {'FOREIGN ' if node.thing.kind == 'foreign table' else ''}TABLE {key.name}"]
            case "column" if self.states.states[key] == "parked":
                return [] if self._with_parent(key, self.before) else [states.parked(node)]
            case "column" if node.owner.of_type:
                return []  # its type does it
            case "column":
                return [f"{self._start(node.owner, key)} DROP COLUMN {self._perhaps(key)}{quote(key.member)}"]
            case "default":
                return [f"{tables.head(node.owner)} ALTER COLUMN {quote(key.member)} DROP DEFAULT"]
            case "type":
                name = types.aside(node.thing) if self.states.states[key] == "aside" else key.name
                return [f"DROP {types.word(node.thing)} {name}"]
            case "attachment":
                return tables.detach(node.owner, node.thing)
            case "constraint":
                return self._unconstrained(node)
        return write.drop(node)

    def _unconstrained(self, node: Node) -> list[str]:
        key, constraint = node.key, node.thing[0]
        if isinstance(node.owner, Domain):
            return [f"ALTER DOMAIN {key.name} DROP CONSTRAINT {quote(key.member)}"]
        start = self._start(node.owner, key)
        if constraint.kind == "not null" and self._stays_not_null(key, constraint):
            if not constraint.validated:
                return [f"{start} VALIDATE CONSTRAINT {quote(key.member)}"]
            return [f"{start} ALTER CONSTRAINT {quote(key.member)} INHERIT"]
        return [f"{start} DROP CONSTRAINT {self._perhaps(key)}{quote(key.member)}"]

    def _stays_not_null(self, key: Object, constraint: Constraint) -> bool:
        column = self.after.nodes.get(Object("column", key.name, constraint.columns[0]))
        return column is not None and column.thing.not_null and self.states.states[key] == "gone"

    def _perhaps(self, key: Object) -> str:
        return "IF EXISTS " if key in self.before.above else ""

    def _start(self, table: Table, key: Object) -> str:
        """ONLY where a table below keeps what it has inherited."""
        for below, above in self.before.above.items():
            if above == key and self.states.states[below] not in _OUT:
                return tables.head(table)
        return tables.recursing(table)

    def _arriving(self, key: Object) -> list[str]:
        node, state = self.after.nodes[key], self.states.states[key]
        if state == "alter":
            return self._altering(key)
        match key.kind:
            case "table":
                return self._table(node)
            case "type":
                carried = self.carried["in", key]
                inside = tuple(self.after.nodes[k].thing[0] for k in carried if k.kind == "constraint")
                made = types.create(node.thing, inside)
                for each in inside:
                    made += tables.constraint_noted(f"DOMAIN {key.name}", each, None, key.name)
                return [*types.set_aside(self.before.nodes[key].thing), *made] if state == "aside" else made
            case "column" if state == "parked":
                return self._altering(key)
            case "column":
                return self._added(node)
            case "default":
                return [f"{tables.head(node.owner)} ALTER COLUMN {quote(key.member)} SET DEFAULT {node.thing}"]
            case "attachment":
                return tables.attach(node.owner, node.thing)
            case "constraint":
                return self._constrained(node)
        if key.kind == "index" and (below := self._below(key)):
            name = key.name
            attached = [f"ALTER INDEX {name} ATTACH PARTITION {index}" for index in below]
            return [write.only(node.thing), *attached, *write.create(node)[1:]]
        if key.kind == "grants":
            return grants(self._at_birth(node), node.thing)
        return write.create(node)

    def _below(self, key: Object) -> list[Name]:
        """The indexes that a new index of a partitioned table takes in: those of tables which hang there already."""
        return [b.name for b, a in self.after.above.items() if a == key and self._with_parent(b, self.after)]

    def _at_birth(self, node: Node) -> tuple[Grant, ...]:
        """The privileges that a new object has by itself: the usual ones, and those of default privileges."""
        lasting = [o.sql or "" for o in self.before.catalog.others if o.kind == "default acl" and self._lasts(o)]
        return born(node, [line for text in lasting for line in text.split(";\n")])

    def _lasts(self, other: Other) -> bool:
        return self.states.states[Object(other.kind, Name(None, other.name))] == "same"

    def _altering(self, key: Object) -> list[str]:
        texts = self.states.statements.get(key, [])
        above = self.after.above.get(key)
        if key.kind == "column" and above is not None and self._with_parent(key, self.after):
            start = f"{tables.recursing(self.after.nodes[key].owner)} "
            done = [text.partition(" ALTER COLUMN ")[2] for text in self.states.statements.get(above, [])]
            done = [text for text in done if not text.endswith("NOT NULL")]  # which may be its own as well
            texts = [t for t in texts if not (t.startswith(start) and t.partition(" ALTER COLUMN ")[2] in done)]
        if key.kind == "column":
            listed = self._listed(self.after.nodes[key].owner)
            texts = [t for t in texts if not (t.endswith("SET NOT NULL") and key.member in listed)]
        return texts

    def _listed(self, table: Table) -> set[str]:
        """The columns whose NOT NULL is a constraint of its own."""
        return {c.columns[0] for c in table.constraints if c.kind == "not null"}

    def _with_parent(self, key: Object, pieces: Pieces) -> bool:
        """Whether a parent's statement does it on this table, which hangs there all the time, too."""
        attachment = Object("attachment", pieces.nodes[key].owner.name)
        return key in pieces.above and self.states.states.get(attachment) in ("same", "alter")

    def _added(self, node: Node) -> list[str]:
        column: Column = node.thing
        told = tables.noted(node.owner, column)
        if self._with_parent(node.key, self.after):
            return told
        default = Object("default", node.key.name, column.name) in self.carried["in", node.key]
        if node.owner.of_type:
            return [*tables.of_type(node.owner, column, default=default), *told]
        listed = column.name not in self._listed(node.owner)
        text = tables.column(node.owner, column, self.states.sequences, default=default, not_null=listed)
        return [f"{tables.recursing(node.owner)} ADD COLUMN {text}", *told]

    def _constrained(self, node: Node) -> list[str]:
        constraint, index = node.thing
        name = node.key.name
        if isinstance(node.owner, Domain):
            text = f"ALTER DOMAIN {name} ADD CONSTRAINT {quote(constraint.name)} {constraint.definition}"
            return [text, *tables.constraint_noted(f"DOMAIN {name}", constraint, None, name)]
        told = tables.constraint_noted(str(name), constraint, index, name)
        if node.implied and (constraint.kind == "foreign key" or self._with_parent(node.key, self.after)):
            return told
        text = f"{tables.recursing(node.owner)} ADD CONSTRAINT {quote(constraint.name)} {constraint.definition}"
        return [text, *told]

    def _table(self, node: Node) -> list[str]:
        table: Table = node.thing
        carried = self.carried["in", node.key]
        defaults = {key.member for key in carried if key.kind == "default"}
        inside = [self.after.nodes[key].thing for key in carried if key.kind == "constraint"]
        listed = self._listed(table)
        columns = [
            tables.column(table, c, self.states.sequences, default=c.name in defaults, not_null=c.name not in listed)
            for c in table.columns
        ]
        order = {"primary key": 0, "unique": 1, "check": 2, "exclude": 3}
        inside.sort(key=lambda pair: (order.get(pair[0].kind, 4), pair[0].name))
        constraints = [f"CONSTRAINT {quote(c.name)} {c.definition}" for c, _ in inside]
        texts = tables.create(table, columns, constraints)
        for column in table.columns if table.of_type else ():
            texts += tables.of_type(table, column, default=column.name in defaults)
        for column in table.columns:
            texts += tables.noted(table, column)
        for constraint, index in inside:
            texts += tables.constraint_noted(str(table.name), constraint, index, table.name)
        return texts


def _inlined(node: Node) -> bool:
    """Whether a constraint may stand in the statement that makes its table: it is valid then, and not inherited."""
    constraint: Constraint = node.thing[0]
    return constraint.validated and not (node.implied and constraint.kind == "foreign key")


def _rank(op: Op) -> tuple[int, int, str, str, str]:
    side, key = op
    rank = _RANKS.get(key.kind, len(_RANKS) + (key.kind in ("grants", "default acl")))
    if side == "out":
        return 0, -rank, key.name.schema or "", key.name.name, key.member
    return 1, rank, key.name.schema or "", key.name.name, key.member
