"""Types and facts → values: for every type, SQL for the k-th of ``size`` distinct values."""

from __future__ import annotations

import re
from dataclasses import replace

from pgassay.catalog.model import Catalog, Column, Domain
from pgassay.sql.expressions import Expression, parse_expression
from pgassay.twin.axes import Axis, axis_of, read_value
from pgassay.twin.branches import branches
from pgassay.twin.facts import Facts, Solution
from pgassay.twin.flavours import number_range
from pgassay.twin.others import other_values
from pgassay.twin.texts import text_values
from pgassay.twin.values import PLENTY, NoValues, Values, chosen, hashed

_NO_DECIMALS = re.compile(r"\bscale\(VALUE\) = 0\b", re.IGNORECASE)


def values_of(catalog: Catalog, column: Column, facts: Facts, *, dense: bool = False) -> Values:
    """The values that a column can have. ``dense``: count up in steps of one (keys). Raises NoValues."""
    made = _of_type(catalog, column.name, column.type, column.base, column.category, facts, dense)
    cast = column.type
    return Values(made.size, lambda k, count, salt: f"{made.render(k, count, salt)}::{cast}")


def _of_type(
    catalog: Catalog, name: str, type_text: str, base: str, category: str, facts: Facts, dense: bool
) -> Values:
    """Behind domains: the checks of every domain on the way are facts too."""
    if facts.choices is not None:
        return chosen(facts.choices, type_text)
    domain = catalog.domain(type_text)
    if domain is not None:
        inner = _whole(domain)
        return _of_type(catalog, name, inner, domain.base, domain.category, with_domain(facts, domain), dense)
    if (enum := catalog.enum(type_text)) is not None:
        return chosen(tuple(label for label in enum.labels if label not in facts.excluded), type_text)
    if (axis := axis_of(base, type_text)) is not None:
        return _scalar(axis, name, facts, dense)
    if type_text.endswith("[]"):
        return _array(catalog, name, type_text.removesuffix("[]"), facts)
    composite = next((c for c in catalog.composites if type_text in {str(c.name), c.name.name}), None)
    if composite is not None:
        return _composite(catalog, composite.attributes, type_text)
    if (subtype := _subtype(catalog, base)) is not None:
        return _range(catalog, subtype, base)
    plain = base.rpartition(".")[2].strip('"')
    if category == "S" or plain in {"text", "character varying", "character", "citext", "name"}:
        return text_values(name, type_text, facts)
    if (made := other_values(name, plain, type_text, facts)) is not None:
        return made
    raise NoValues(type_text)


def _whole(domain: Domain) -> str:
    """A domain's type; of a numeric without modifiers whose check wants no decimals, one that has none."""
    whole = any(_NO_DECIMALS.search(check.expression or "") for check in domain.constraints)
    return "numeric(1000,0)" if whole and domain.type == "numeric" else domain.type


def with_domain(facts: Facts, domain: Domain) -> Facts:
    """The facts together with what a domain's checks say."""
    stand_in = Column(name="value", type=_whole(domain), base=domain.base, category=domain.category, not_null=True)
    for branch in _domain_branches(domain):
        solution = Solution({"value": stand_in}, {"value": replace(facts)})
        if all(solution.add(condition) for condition in branch):
            return solution.of("value")
    return facts


def _domain_branches(domain: Domain) -> list[tuple[Expression, ...]]:
    found: list[tuple[Expression, ...]] = [()]
    for check in domain.constraints:
        if check.kind == "check" and check.expression:
            found = [a + b for a in found for b in branches(parse_expression(check.expression))][:24]
    return found


def _scalar(axis: Axis, name: str, facts: Facts, dense: bool) -> Values:
    low, high = bounds(axis, name, facts, dense)
    if facts.multiple > 1:
        unit = facts.multiple * axis.place(1) if axis.unit <= 1 else facts.multiple
        rest = axis.place(facts.remainder) if axis.unit <= 1 else facts.remainder
        low += (rest - low) % unit
        least = unit
    else:
        least = 1
    size = max((high - low) // least + 1, 1)

    counting = dense and axis.kind in _COUNTED and (facts.low is None or facts.high is None)

    def render(k: str, count: int, _salt: int) -> str:
        usual = axis.grain if axis.grain * count <= high - low else least
        step = least if counting else max((high - low) // max(count, 1) // usual, 1) * usual
        if facts.multiple > 1:
            step = max(step // least, 1) * least
        wide = high > 2**62 or low < -(2**62) or step * count > 2**62
        number = f"({k})::numeric" if wide else f"({k})"
        return axis.sql(f"{low} + {number}" + (f" * {step}" if step != 1 else ""))

    return Values(min(size, PLENTY), render)


_COUNTED = {"smallint", "integer", "bigint", "oid", "numeric"}


def bounds(axis: Axis, name: str, facts: Facts, dense: bool = False) -> tuple[int, int]:
    """Where a scalar's values lie on its axis."""
    usual_low, usual_high = axis.usual_low, axis.usual_high
    flavour = number_range(name) if axis.kind in _COUNTED | {"float"} and not dense else None
    if flavour is not None:
        usual_low, usual_high = axis.place(flavour[0]), axis.place(flavour[1])
    low_limit = axis.low if facts.low is None else max(axis.low, facts.low)
    high_limit = axis.high if facts.high is None else min(axis.high, facts.high)
    if dense and axis.kind in _COUNTED:
        low, high = max(1, low_limit) if high_limit >= 1 else low_limit, high_limit
    else:
        width = usual_high - usual_low
        low, high = max(usual_low, low_limit), min(usual_high, high_limit)
        if low > high or (facts.low is not None and high - low < min(width // 100, 1000)):
            low = low_limit if facts.low is not None else max(low_limit, high_limit - width)
            high = min(high_limit, low + width)
    for text in facts.excluded:
        value = read_value(text, axis.kind)
        if value is not None and low < high:
            place = axis.place(value)
            if low <= place <= high:
                low, high = (place + 1, high) if place - low <= high - place else (low, place - 1)
    return low, max(low, high)


def _array(catalog: Catalog, name: str, element: str, facts: Facts) -> Values:
    inner = Facts(choices=facts.within)
    made = _of_type(catalog, name, element, _base(element), _category(element), inner, False)
    least = max(facts.least, 0)
    length = max(least, min(facts.most if facts.most is not None else 3, 2))

    def render(k: str, count: int, salt: int) -> str:
        count = min(count, made.size)
        items = [made.render(f"({k}) % {made.size}" if made.size < PLENTY else k, count, salt)]
        items += [made.render(f"{hashed(k, salt + n)} % {count}", count, salt + n) for n in range(1, length)]
        return f"ARRAY[{', '.join(items[:length])}]::{element}[]"

    return Values(made.size if length else 1, render)


def _base(type_text: str) -> str:
    return re.sub(r"\(.*?\)", "", type_text).strip()


def _category(type_text: str) -> str:
    return "S" if _base(type_text) in {"text", "character varying", "character", "name"} else ""


def _composite(catalog: Catalog, attributes: tuple[Column, ...], type_text: str) -> Values:
    parts = [_of_type(catalog, a.name, a.type, a.base, a.category, Facts(), False) for a in attributes]
    size = max((part.size for part in parts), default=1)

    def render(k: str, count: int, salt: int) -> str:
        items = [
            part.render(k if part.size >= count else f"({k}) % {part.size}", min(count, part.size), salt + n)
            for n, part in enumerate(parts)
        ]
        typed = [f"({item})::{a.type}" for item, a in zip(items, attributes, strict=True)]
        return f"ROW({', '.join(typed)})::{type_text}"

    return Values(size, render)


_RANGES = {
    "int4range": "integer", "int8range": "bigint", "numrange": "numeric", "daterange": "date",
    "tsrange": "timestamp without time zone", "tstzrange": "timestamp with time zone",
}  # fmt: skip


def _subtype(catalog: Catalog, base: str) -> str | None:
    plain = base.replace("multirange", "range")
    custom = next((r for r in catalog.ranges if plain in {str(r.name), r.name.name}), None)
    return _RANGES.get(plain) or (custom.subtype if custom else None)


def _range(catalog: Catalog, subtype: str, base: str) -> Values:
    """Ranges that never overlap: each ends where the next begins."""
    axis = axis_of(_base(subtype), subtype)
    if axis is None:
        raise NoValues(base)
    low, high = bounds(axis, "", Facts())
    constructor = base.replace("multirange", "range")

    def render(k: str, count: int, _salt: int) -> str:
        step = max((high - low) // max(count + 1, 1) // axis.grain, 1) * axis.grain
        ends = [axis.sql(f"{low} + ({k} + {n})::bigint * {step}") for n in (0, 1)]
        made = f"{constructor}({ends[0]}::{subtype}, {ends[1]}::{subtype}, '[)')"
        return f"{base}({made})" if "multirange" in base else made

    del catalog
    return Values((high - low) // axis.grain, render)
