"""Values for parameters that nobody told: typical, rare, found nowhere, at the edges of ranges, NULL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from pgassay.catalog import ColumnStats
from pgassay.model import Name
from pgassay.sql.parameters import Slot
from pgassay.sql.parameters_scope import Origin
from pgassay.workload.arrays import read_array, write_array
from pgassay.workload.samples import Samples, absent, made, samples, within
from pgassay.workload.types import PLAIN, TypeFacts, plain

Profile = Literal["common", "rare", "absent", "wide", "last", "null"]
PROFILES: tuple[Profile, ...] = ("common", "rare", "absent", "wide", "last", "null")
Statistics = Mapping[Name, Mapping[str, ColumnStats]]


# What functions take that is no data: (function, place) to a value.
_ARGUMENTS = {
    ("date_trunc", 0): "day", ("date_part", 0): "day", ("extract", 0): "day", ("timezone", 0): "UTC",
    ("date_trunc", 2): "UTC", ("to_char", 1): "YYYY-MM-DD", ("to_date", 1): "YYYY-MM-DD", ("to_date", 0): "2024-06-01",
    ("to_timestamp", 1): "YYYY-MM-DD", ("to_number", 1): "999", ("to_number", 0): "1", ("split_part", 2): "1",
    ("like_escape", 1): "\\", ("date_bin", 0): "1 day", ("encode", 1): "hex", ("decode", 1): "hex", ("decode", 0): "00",
    ("current_setting", 0): "search_path", ("set_config", 0): "application_name", ("set_config", 2): "true",
    ("regexp_replace", 3): "g", ("percentile_cont", 0): "0.5", ("percentile_disc", 0): "0.5", ("setweight", 1): "A",
}  # fmt: skip


def choose(
    slots: Sequence[Slot], types: Sequence[TypeFacts], statistics: Statistics
) -> tuple[tuple[Profile, tuple[str | None, ...]], ...]:
    """Sets of values for a statement's parameters, one a profile, the typical one first, equal ones once.

    A set of NULLs is among them only where the statement provides for NULL, or stores it in a column that has some.
    """
    chooser = _Chooser(slots, types, statistics)
    found: dict[tuple[str | None, ...], Profile] = {}
    for profile in PROFILES:
        values = chooser.values(profile)
        if values is not None:
            found.setdefault(values, profile)
    return tuple((profile, values) for values, profile in found.items())


class _Chooser:
    def __init__(self, slots: Sequence[Slot], types: Sequence[TypeFacts], statistics: Statistics) -> None:
        self.types = types
        self.statistics = statistics
        self.slots: dict[int, Slot] = {}
        for slot in slots:  # a parameter used twice is what its most telling place says
            if slot.number not in self.slots or self.slots[slot.number].origin is None:
                self.slots[slot.number] = slot
        ordered = [self.slots[number] for number in sorted(self.slots)]
        self.places: dict[int, int] = {}  # the how-manieth of those that are compared with the same column
        counts: dict[tuple[Origin | None, str], int] = defaultdict(int)
        for slot in ordered:
            key = (slot.origin, slot.use)
            self.places[slot.number] = counts[key]
            counts[key] += 1
        self.bounded = {(s.origin, s.use) for s in ordered if s.origin}

    def values(self, profile: Profile) -> tuple[str | None, ...] | None:
        """One set; None where the profile makes no sense here."""
        missing = Slot(0, "other")
        slots = [self.slots.get(n, missing) for n in range(1, len(self.types) + 1)]
        if profile == "null":
            null = [s.optional or (s.use == "value" and self._samples(s).nullable) for s in slots]
            if not any(null):
                return None
            common = [self._value(s, t, "common") for s, t in zip(slots, self.types, strict=True)]
            return tuple(None if n else v for n, v in zip(null, common, strict=True))
        return tuple(self._value(s, t, profile) for s, t in zip(slots, self.types, strict=True))

    def _samples(self, slot: Slot) -> Samples:
        origin = slot.origin
        if origin is None:
            return Samples()
        known = samples(self.statistics.get(origin.table, {}).get(origin.column))
        if origin.keys:
            keys = [None if isinstance(key, int) else key for key in origin.keys]
            return made(within(known.common, keys), within(known.ordered if known.told else (), keys))
        if slot.use == "element":
            return made(_elements(known.common), _elements(known.ordered if known.told else ()))
        return known

    def _value(self, slot: Slot, kind: TypeFacts, profile: Profile) -> str | None:
        match slot.use:
            case "limit":
                return {"rare": "1", "wide": "100"}.get(profile, "10")
            case "offset":
                return {"wide": "1000", "last": "10000"}.get(profile, "0")
            case "argument" if slot.argument in _ARGUMENTS:
                return _ARGUMENTS[slot.argument]
        known = self._samples(slot)
        if not known:
            return _other(slot, kind, profile)
        value = self._known(slot, kind, profile, known)
        if slot.origin is not None and value is not None:
            value = {"lower": value.lower(), "upper": value.upper()}.get(slot.origin.function or "", value)
        return value

    def _known(self, slot: Slot, kind: TypeFacts, profile: Profile, known: Samples) -> str | None:
        place = self.places[slot.number]
        match slot.use:
            case "low" | "high":
                return known.at(self._share(slot, profile))
            case "like" | "regex":
                return _pattern(slot, profile, known)
            case "list":
                return write_array(_several(profile, known, kind))
            case "contains" if kind.category == "A":
                return write_array(_elements((_one(profile, known, kind, place),))[:1])
            case "overlaps" if kind.category == "A":
                return write_array(_elements((_one(profile, known, kind, place),))[:2])
            case "contains" if kind.base in ("jsonb", "json"):
                return _part(known.frequent(place), absent=profile == "absent")
            case "has" | "key":
                return _document_key(known, kind)
            case "value":
                return known.absent(kind.category, place) if known.unique else known.frequent(place)
        return _one(profile, known, kind, place)

    def _share(self, slot: Slot, profile: Profile) -> float:
        """Where in the column's values a bound lies. Both bounds given, they enclose a tenth, a hundredth, all."""
        low = slot.use == "low"
        both = (slot.origin, "high" if low else "low") in self.bounded
        shares: dict[Profile, tuple[float, float]]
        if both:
            shares = {"common": (0.5, 0.6), "rare": (0.5, 0.51), "absent": (0.9, 0.9), "wide": (0, 1), "last": (0.9, 1)}
        else:
            shares = {"common": (0.9, 0.5), "rare": (0.98, 0.02), "absent": (1, 0), "wide": (0, 1), "last": (0.5, 0.9)}
        return shares[profile][0 if low else 1]


def _one(profile: Profile, known: Samples, kind: TypeFacts, place: int) -> str:
    match profile:
        case "rare":
            return known.rare(place)
        case "absent":
            return known.absent(kind.category, place)
        case "wide":
            return known.at(0, place)
        case "last":
            return known.at(1, place)
    return known.frequent(place)


def _several(profile: Profile, known: Samples, kind: TypeFacts) -> list[str | None]:
    match profile:
        case "rare":
            return [known.rare()]
        case "absent":
            return [known.absent(kind.category)]
        case "wide":
            return list(dict.fromkeys(known.frequent(place) for place in range(20)))
        case "last":
            return [known.at(0), known.at(1)]
    return list(dict.fromkeys(known.frequent(place) for place in range(3)))


def _pattern(slot: Slot, profile: Profile, known: Samples) -> str:
    """A beginning, a middle that is rarer, one that is nowhere; joined to other text, without wildcards."""
    value = _one("rare" if profile == "rare" else "common", known, TypeFacts("text", "text", "S"), 0)
    middle = len(value) // 3
    match profile:
        case "absent":
            word = absent(value, "S")[:12]
        case "rare":
            word = value[middle : middle + 8] or value
        case "wide":
            word = value[:1]
        case _:
            word = value[:4]
    if slot.affix:
        return word
    if slot.use == "regex":
        escaped = "".join("\\" + c if not c.isalnum() and c.isascii() else c for c in word)
        return escaped if profile == "rare" else f"^{escaped}"
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%" if profile == "rare" else f"{escaped}%"


def _elements(values: Sequence[str]) -> tuple[str, ...]:
    found = [e for value in values if value.startswith("{") for e in read_array(value) if e is not None]
    return tuple(dict.fromkeys(found))


def _part(text: str, *, absent: bool) -> str:
    """One key of a document with its value (or with one that is nowhere): what a containment looks for."""
    try:
        document = json.loads(text)
    except ValueError:
        return "{}"
    if isinstance(document, dict):
        plain_items = [(k, v) for k, v in document.items() if not isinstance(v, dict | list)]
        found = dict(plain_items[:1] or list(document.items())[:1])
        return json.dumps(dict.fromkeys(found, "absent") if absent else found, ensure_ascii=False)
    return json.dumps(document[:1] if isinstance(document, list) else document, ensure_ascii=False)


def _document_key(known: Samples, kind: TypeFacts) -> str:
    for text in known.common + known.ordered:
        try:
            document = json.loads(text)
        except ValueError:
            continue
        if isinstance(document, dict) and document:
            return write_array([next(iter(document))]) if kind.category == "A" else next(iter(document))
    return "0" if kind.category == "N" else "{key}" if kind.category == "A" else "key"


def _other(slot: Slot, kind: TypeFacts, profile: Profile) -> str | None:
    """Without statistics."""
    value = plain(kind, last=profile not in ("common", "null"))
    if slot.use == "like" and not slot.affix and value is not None:
        return f"%{value}%" if profile == "rare" else f"{value}%"
    if slot.use == "list" and kind.category == "A" and not kind.labels and kind.element:
        word = PLAIN.get(kind.element, ("1", "1000") if "int" in kind.element or kind.element == "numeric" else None)
        return write_array(word) if word else value
    if slot.use == "key" and kind.category == "A":
        return "{key}"
    return value
