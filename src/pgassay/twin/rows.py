"""The plan of a table's rows: every column as SQL over the row's number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pgassay.catalog import Catalog, Column, ColumnStats
from pgassay.model import Name, quote
from pgassay.sql.expressions import write
from pgassay.twin.axes import axis_of, read_value
from pgassay.twin.checks import solve
from pgassay.twin.facts import Facts
from pgassay.twin.keys import Assignment, Digit, assign
from pgassay.twin.links import Slot, link_slots
from pgassay.twin.pairs import like_production
from pgassay.twin.plans import NUMBER, ROW, RowPlan, Unfillable
from pgassay.twin.render import always, any_earlier, constantly, earlier, one_of, shown, until
from pgassay.twin.statistics import Followed, followed, named_first, shuffled
from pgassay.twin.targets import Target
from pgassay.twin.typed import values_of
from pgassay.twin.values import PLENTY, NoValues, hashed, salt_of

_OF = 2**20
_NULLS = _OF // 10  # about one row in ten


@dataclass(slots=True)
class Planner:
    """What the plan of a table needs to know of the whole."""

    catalog: Catalog
    seed: int
    wanted: Mapping[Name, int]
    statistics: Mapping[Name, Mapping[str, ColumnStats]]
    plans: dict[Name, RowPlan] = field(default_factory=dict)
    filled: dict[Name, int] = field(default_factory=dict)  # tables with rows whose numbers we do not know
    _named: dict[tuple[Name, str], list[str]] = field(default_factory=dict)
    together: frozenset[Name] = frozenset()  # tables of a circle of foreign keys, planned at the same time

    def plan(self, target: Target, *, pool: bool = False, unlinked: frozenset[str] = frozenset()) -> RowPlan:
        """The plan of one table. ``pool``: take parents' keys from the parents' rows. ``unlinked`` columns are NULL.

        Raises Unfillable.
        """
        return _Table(self, target, pool, unlinked).plan()

    def named(self, table: Name, column: str) -> list[str]:
        """Values of a text key that other tables refer to often: the table's first rows get them, in this order."""
        known = self.catalog.table(table)
        of = known.column(column) if known else None
        if of is None or not (of.category == "S" or of.base == "uuid") or (table, column) in self._named:
            return self._named.get((table, column), [])
        found: dict[str, None] = {}
        for child in self.catalog.tables:
            for link in child.foreign_keys:
                if link.references == table and link.referenced_columns == (column,) and child.name != table:
                    stats = self.statistics.get(child.name, {}).get(link.columns[0])
                    found |= dict.fromkeys(stats.most_common_vals or () if stats else ())
        self._named[table, column] = list(found)[: min(self.wanted.get(table, 0), 1_000)]
        return self._named[table, column]

    def parent_rows(self) -> dict[Name, int]:
        return {**self.wanted, **{name: plan.rows for name, plan in self.plans.items()}, **self.filled}


class _Table:
    def __init__(self, planner: Planner, target: Target, pool: bool, unlinked: frozenset[str]) -> None:
        self.planner, self.target, self.pool, self.unlinked = planner, target, pool, unlinked
        self.columns = {column.name: column for column in target.columns}
        rows = planner.parent_rows() | {target.name: planner.wanted[target.name]}
        self.slots, self.selfish = link_slots(target, rows)
        self.taken = {c: slot for slot in (*self.slots, *self.selfish) for c in slot.columns}
        unique = {c for u in target.uniques for c in u.columns}
        self.keys = frozenset(unique | target.aligned | set(self.taken))
        self.solutions = solve(target, self.keys & set(self.columns))
        self.statistics = planner.statistics.get(target.name, {})
        self.numbers: dict[tuple[str, ...], Callable[[str], str]] = {}
        self.result = RowPlan(target=target, rows=planner.wanted[target.name], capacity=PLENTY)

    def plan(self) -> RowPlan:
        result = self.result
        for slot in self.slots:
            if slot.size == 0 and not self._nullable(slot):
                link = slot.links[0]
                raise Unfillable(link.name, f"{link.references} has no rows to refer to")
        self._define()
        members, assignment = self._assign()
        if result.rows >= assignment.capacity:
            result.rows = max(assignment.capacity - 1, min(assignment.capacity, 1))
        result.capacity = assignment.capacity
        if result.rows == 0 and self.planner.wanted[self.target.name]:
            raise Unfillable(None, "its keys leave no room for a row")
        digits = {members[n]: digit for n, digit in assignment.digits.items()}
        for slot in self.slots:
            self._link(slot, digits.get(slot.columns))
        for name, column in self.columns.items():
            if name not in self.taken:
                result.expressions[name] = self._column(column, digits.get((name,)))
        for slot in self.selfish:
            self._self_link(slot, digits.get(slot.columns))
        result.filters = [f"(({check}) IS NOT FALSE)" for check in self.target.checks]
        result.filtered = result.filtered or any(solution.open for solution in self.solutions)
        result.exact = result.exact and not result.filtered
        return result

    def _nullable(self, slot: Slot) -> bool:
        """Whether its foreign keys can be left empty."""
        return all(any(self._may_be_null(c) for c in link.columns) for link in slot.links)

    def _may_be_null(self, name: str) -> bool:
        """No NULL for keys, nor where MATCH FULL would want the whole foreign key empty and it cannot be."""
        full = [link.columns for link in self.target.links if name in link.columns and "MATCH FULL" in link.definition]
        return all(self._nullable_column(column) for column in {name, *(c for columns in full for c in columns)})

    def _nullable_column(self, name: str) -> bool:
        return not self.columns[name].not_null and name not in self.target.primary | self.target.referenced

    def _define(self) -> None:
        """Columns computed from others, where every solution computes them alike."""
        first, *rest = self.solutions
        spans = dict(span for unique in self.target.uniques for span in unique.spans)
        for start, end in spans.items():
            axis = axis_of(self.columns[end].base, self.columns[end].type) if end in self.columns else None
            if axis is not None and end not in self.keys:
                step = "interval '1 second'" if axis.kind in {"time", "clock", "interval"} else "1"
                self.result.defined.append((end, f"({quote(start)} + {step})::{self.columns[end].type}"))
        for name, (operator, expression) in first.defined.items():
            text = write(expression)
            alike = all(solution.defined.get(name) == (operator, expression) for solution in rest)
            free = name in self.columns and name not in self.keys and operator != "<>"
            if name in spans.values():
                continue
            if not (alike and free and text is not None):
                first.open.append(expression)
                continue
            column = self.columns[name]
            axis = axis_of(column.base, column.type)
            if operator != "=" and axis is not None:
                sign = "+" if operator in {">", ">="} else "-"
                unit = "interval '1 second'" if axis.kind in {"time", "clock", "interval"} else "1"
                text = f"{text} {sign} {unit}"
            facts = first.of(name)
            if axis is not None and operator != "=" and facts.low is not None:
                text = f"greatest({text}, {axis.sql(str(facts.low))})"
            if axis is not None and operator != "=" and facts.high is not None:
                text = f"least({text}, {axis.sql(str(facts.high))})"
            self.result.defined.append((name, f"({text})::{column.type}"))
            if operator != "=":
                self.result.filtered = self.result.filtered or facts.low is not None or facts.high is not None

    def _assign(self) -> tuple[list[tuple[str, ...]], Assignment]:
        """The digits of the row number by slot (a column of no foreign key is its own slot)."""
        members = [slot.columns for slot in (*self.slots, *self.selfish)]
        sizes = [slot.size - (self._distinct_from(slot) is not None) for slot in self.slots] + [PLENTY] * len(
            self.selfish
        )
        place = {c: n for n, columns in enumerate(members) for c in columns}
        for unique in self.target.uniques:
            for name in unique.columns:
                if name not in place and name in self.columns:
                    place[name] = len(members)
                    members.append((name,))
                    sizes.append(self._size(self.columns[name]))
        for slot, columns in zip(self.slots, members, strict=False):
            single = {frozenset(columns)} & {frozenset(u.columns) for u in self.target.uniques if u.nulls_distinct}
            if single and self._nullable(slot):
                sizes[members.index(columns)] = PLENTY  # one row a parent, and NULL from there on
        keys = [frozenset(place[c] for c in u.columns if c in place) for u in self.target.uniques]
        own = {slot.columns for slot in self.selfish}
        known = {
            n: followed(self.statistics[columns[0]], self.result.rows)
            for n, columns in enumerate(members)
            if len(columns) == 1 and columns[0] in self.statistics and columns not in own
        }
        salt = salt_of(self.planner.seed, self.target.name, "pair")
        pairs = like_production([key for key in keys if key], known, sizes, self.result.rows, salt)
        found = assign([key for key in keys if key and not key & set(pairs)], sizes, self.result.rows)
        found.digits |= pairs
        return members, found

    def _pair(self, key: list[int], members: list[tuple[str, ...]], sizes: list[int]) -> dict[int, Digit]:
        """A key of two columns that is no grid, such as token and account: the one by its frequencies, along the row
        numbers, so that rows with the same value are neighbours; the other counted on from one to the next."""
        if any(members[m][0] not in self.statistics or (len(members[m]) > 1) for m in key):
            return {}
        known = {m: followed(self.statistics[members[m][0]], self.result.rows) for m in key}
        distinct = {m: known[m].distinct(sizes[m]) for m in key}
        rows = self.result.rows + 1
        if distinct[key[0]] * distinct[key[1]] < 1.2 * rows or any(s.itself for s in self.selfish):
            return {}
        first = max(key, key=lambda m: (abs(known[m].known.correlation or 0) > 0.9, max(known[m].shares, default=0.0)))
        second = key[0] if first == key[1] else key[1]
        around = max(distinct[second], known[first].longest(rows, distinct[first]) + 2)
        if around > sizes[second]:
            return {}
        salt = salt_of(self.planner.seed, self.target.name, *members[first], "pair")
        ordered = abs(known[first].known.correlation or 0) > 0.9

        def number(i: str) -> str:
            return f"({i} - 1)" if ordered else shuffled(f"({i} - 1)", rows, salt)

        def one(i: str) -> str:
            return known[first].along(f"(({number(i)} + 0.5::float8) / {rows})", distinct[first])

        def other(i: str) -> str:
            return f"(({number(i)} + {hashed(one(i), salt)} % {around}) % {around})"

        return {first: Digit(1, distinct[first], one), second: Digit(1, around, other)}

    def _size(self, column: Column) -> int:
        try:
            facts = self.solutions[0].facts.get(column.name, Facts())
            return values_of(self.planner.catalog, column, facts, dense=True).size
        except NoValues:
            return 1

    # Foreign keys to other tables

    def _link(self, slot: Slot, digit: Digit | None) -> None:
        salt = salt_of(self.planner.seed, self.target.name, *slot.columns)
        size, number = slot.size, self._number(slot, digit, salt)
        self.numbers[slot.columns] = number
        sources: dict[str, Callable[[str], str]] = {}
        for column in slot.columns:
            link, referenced = slot.source(column)
            sources[column] = self._parent_value(link.references, referenced, number)
        for column, source in sources.items():
            if size == 0 or column in self.unlinked:
                empty = self._may_be_null(column) or column in self.unlinked
                self.result.expressions[column] = constantly(f"NULL::{self.columns[column].type}") if empty else source
                continue
            source = self._cased(column, always(source)) if self._may_be_null(column) else source
            if digit is not None and digit.whole and self._may_be_null(column):
                source = until(max(size - 1, 1), source)
            self.result.expressions[column] = source

    def _number(self, slot: Slot, digit: Digit | None, salt: int) -> Callable[[str], str]:
        """The number (from 0) of the parent's row."""
        size = max(slot.size, 1)
        other = self._distinct_from(slot)
        if digit is not None and digit.whole and other is not None:
            return lambda i: f"({i} % {size})"  # the other one, if whole as well, is one behind
        if digit is not None and digit.whole:
            return lambda i: f"({i} - 1)"
        if digit is not None and other is not None and size > 1 and other.columns in self.numbers:
            start = self.numbers[other.columns]
            return lambda i: f"(({start(i)} + 1 + {shown(digit, i)}) % {size})"
        if digit is not None:
            scatter = max(size // (digit.modulus or 1), 1)
            return lambda i: f"({shown(digit, i)} * {scatter})"
        if self.target.aligned & set(slot.columns) or len({c for k in slot.links for c in k.columns}) < sum(
            len(k.columns) for k in slot.links
        ):
            return lambda i: f"(({i} - 1) % {size})"
        if other is not None and size > 1:
            first = salt_of(self.planner.seed, self.target.name, *other.columns)
            return lambda i: f"(({hashed(i, first)} % {size} + 1 + {hashed(i, salt)} % {size - 1}) % {size})"
        known = self.statistics.get(slot.columns[0]) if len(slot.columns) == 1 else None
        if known is not None:
            link, referenced = slot.source(slot.columns[0])
            named = self.planner.named(link.references, referenced) if link.references else []
            return followed(known, self.result.rows).parent(size, salt, named)
        used = self._distinct(slot.columns[0], size)
        return lambda i: f"({hashed(i, salt)} % {used})"

    def _distinct_from(self, slot: Slot) -> Slot | None:
        """An earlier slot of the same parent whose row a check wants to be another one."""
        for order in (o for solution in self.solutions for o in solution.orders if o.operator == "<>"):
            pair = [self.taken.get(order.left), self.taken.get(order.right)]
            if slot in pair and None not in pair:
                other = pair[0] if pair[1] == slot else pair[1]
                if other is not None and other in self.slots and self.slots.index(other) < self.slots.index(slot):
                    return other
        return None

    def _distinct(self, column: str, size: int) -> int:
        known = self.statistics.get(column)
        return followed(known, self.result.rows).distinct(size) if known is not None else size

    def _parent_value(self, parent: Name | None, column: str, number: Callable[[str], str]) -> Callable[[str], str]:
        assert parent is not None
        if parent in self.planner.together and not self.pool:
            return lambda i: self.planner.plans[parent].sql(column, f"({number(i)} + 1)")
        plan = self.planner.plans.get(parent)
        if self.pool or parent in self.planner.filled or plan is None or not plan.exact or column in plan.pooled:
            return self._pool(parent, column, number)
        return lambda i: plan.sql(column, f"({number(i)} + 1)")

    def _pool(self, parent: Name, column: str, number: Callable[[str], str]) -> Callable[[str], str]:
        """Join the parent's rows, numbered: for parents whose rows are not what a plan says."""
        at = number(ROW)
        join = next((n for n, j in enumerate(self.result.joins) if j.startswith(f"/* {parent} {at} */")), None)
        if join is None:
            join = len(self.result.joins)
            referenced = sorted(
                {c for link in self.target.links if link.references == parent for c in link.referenced_columns}
            )
            listed = ", ".join(quote(c) for c in referenced)
            self.result.joins.append(
                f"/* {parent} {at} */ LEFT JOIN (SELECT {listed}, row_number() OVER (ORDER BY {listed}) - 1 AS {NUMBER}"
                f" FROM {parent}) AS p{join} ON p{join}.{NUMBER} = {at}"
            )
        self.result.exact = False
        return constantly(f"p{join}.{quote(column)}")

    # Foreign keys to the same table

    def _self_link(self, slot: Slot, digit: Digit | None) -> None:
        (link,) = slot.links
        salt = salt_of(self.planner.seed, self.target.name, *slot.columns)
        shared = next((self.taken[c] for c in link.columns if c not in slot.columns and c in self.taken), None)
        loose = all(self._may_be_null(c) for c in slot.columns)
        for column in slot.columns:
            referenced = link.referenced_columns[link.columns.index(column)]
            value = self.result.expressions.get(referenced)
            if value is None:
                raise Unfillable(link.name, f"{quote(column)} refers to itself through {quote(referenced)}")
            back, first = 1, 1
            if shared is not None:
                back = first = max(shared.size, 1)
            if not self.result.exact and loose:
                made = constantly(f"NULL::{self.columns[column].type}")
            elif not self.result.exact or (shared is not None and not loose):
                made = value
            elif (digit is not None and digit.whole) or shared is not None or not loose:
                other = "NULL" if loose else value(str(max(self.result.rows, 1)))
                made = earlier(value, back, first, other)
            else:
                made = any_earlier(value, salt)
            self.result.expressions[column] = self._cased(column, always(made)) if loose else made

    # Columns of their own

    def _column(self, column: Column, digit: Digit | None) -> Callable[[str], str]:
        salt = salt_of(self.planner.seed, self.target.name, column.name)
        if column.name in self.unlinked:
            return constantly(f"NULL::{column.type}")
        known = self.statistics.get(column.name)
        follow = followed(known, self.result.rows) if known is not None else None
        return self._cased(column.name, lambda facts: self._values(column, facts, digit, salt, follow))

    def _values(
        self, column: Column, facts: Facts, digit: Digit | None, salt: int, follow: Followed | None
    ) -> Callable[[str], str]:
        dense = digit is not None or self._counts(column)
        if follow is not None and dense and facts == Facts():
            facts = self._within(column, facts, follow, (digit.modulus if digit else None) or self.result.rows + 1)
        try:
            values = values_of(self.planner.catalog, column, facts, dense=dense)
        except NoValues:
            if not column.not_null:
                return constantly(f"NULL::{column.type}")
            if column.default is not None:
                return constantly(column.default)
            raise Unfillable(None, f"no value is known for {quote(column.name)} of type {column.type}") from None
        if digit is not None:
            count = digit.modulus or min(self.result.rows + 1, values.size)
            if digit.whole and follow is not None and self._mixed(column, follow):
                return lambda i: values.render(shuffled(f"({i} - 1)", count, salt), count, salt)
            if (named := self._named(column, digit, follow, facts)) and len(named) <= count:
                return lambda i: named_first(
                    named, column.type, shown(digit, i), values.render(shown(digit, i), count, salt)
                )
            return lambda i: values.render(shown(digit, i), count, salt)
        if self._counts(column):
            return lambda i: values.render(f"({i} - 1)", self.result.rows + 1, salt)
        rows = max(self.result.rows, 1)
        common = len(follow.known.most_common_vals or ()) if follow else 0
        count = max(min(values.size, follow.distinct(rows) - common if follow else rows), 1)
        often = follow is None or count < rows / 5
        if follow is not None and follow.valueless:  # shares and order are known all the same
            return lambda i: values.render(follow.along(follow.place(i, salt), count), count, salt)

        def plain(i: str) -> str:
            number = hashed(i, salt) if often else shuffled(f"({i} - 1)", rows + 1, salt)
            return values.render(f"({number} % {count})", count, salt)

        return follow.values(column, plain, salt) if follow and facts == Facts() else plain

    def _within(self, column: Column, facts: Facts, follow: Followed, count: int) -> Facts:
        """Keys lie where production's do, as far as the statistics tell and there is room for all of them."""
        axis, bounds = axis_of(column.base, column.type), follow.known.histogram_bounds
        if axis is None or not bounds:
            return facts
        ends = [read_value(bounds[0], axis.kind), read_value(bounds[-1], axis.kind)]
        if ends[0] is None or ends[1] is None:
            return facts
        low, high = axis.place(ends[0]), axis.place(ends[1], False)
        if high - low + 1 >= count:
            return replace(facts, low=low, high=high)
        return replace(facts, low=low) if low < axis.high - count else facts

    def _named(self, column: Column, digit: Digit, follow: Followed | None, facts: Facts) -> list[str]:
        """Real values for the first numbers of a text key."""
        if follow is None or facts != Facts() or not (column.category == "S" or column.base == "uuid"):
            return []
        if digit.how is not None:
            return (follow.known.most_common_vals or [])[:1_000]
        return self.planner.named(self.target.name, column.name) if digit.whole else []

    def _mixed(self, column: Column, follow: Followed) -> bool:
        known = axis_of(column.base, column.type) is not None
        return known and follow.known.correlation is not None and abs(follow.known.correlation) < 0.5

    def _counts(self, column: Column) -> bool:
        """Whether its values come from a sequence, unique or not."""
        return column.identity is not None or (column.default or "").startswith("nextval(")

    def _cased(self, name: str, make: Callable[[Facts], Callable[[str], str]]) -> Callable[[str], str]:
        """One expression a solution, with NULLs where they may be, chosen by a hash of the row number."""
        null = f"NULL::{self.columns[name].type}"
        none = Facts()
        made: list[Callable[[str], str]] = []
        for solution in self.solutions:
            facts = solution.facts.get(name, none)
            if facts.null is True or (not facts.possible() and self._may_be_null(name)):
                made.append(constantly(null))
            elif facts.null is False or not self._may_be_null(name):
                made.append(make(facts))
            else:
                made.append(self._sometimes_null(name, make(facts), null))
        if all(self.solutions[0].facts.get(name, none) == s.facts.get(name, none) for s in self.solutions):
            return made[0]
        return one_of(made, salt_of(self.planner.seed, self.target.name))

    def _sometimes_null(self, name: str, value: Callable[[str], str], null: str) -> Callable[[str], str]:
        known = self.statistics.get(name)
        share = _NULLS if known is None else round(known.null_frac * _OF)
        if share == 0 or not self._free_of_nulls(name):
            return value
        slot = self.taken.get(name)  # a foreign key is empty as a whole
        salt = salt_of(self.planner.seed, self.target.name, slot.columns if slot else name, "null")
        return lambda i: f"CASE WHEN {hashed(i, salt)} & {_OF - 1} < {share} THEN {null} ELSE {value(i)} END"

    def _free_of_nulls(self, name: str) -> bool:
        return all(u.nulls_distinct for u in self.target.uniques if name in u.columns)
