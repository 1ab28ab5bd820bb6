"""Values of a column, taken from its statistics: common ones, rare ones, the edges, and one that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.catalog import ColumnStats

_HEX = re.compile(r"(?:0x|\\x)?[0-9a-fA-F-]{6,}\Z")


@dataclass(frozen=True, slots=True)
class Samples:
    """What statistics know of a column's values: ``common`` ones, commonest first, and ``ordered`` ones, which rise in
    the type's own order. ``told`` says that the ordered ones are others than the common ones. All may be empty."""

    common: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    told: bool = False
    unique: bool = False
    nullable: bool = False

    def __bool__(self) -> bool:
        return bool(self.common or self.ordered)

    def frequent(self, place: int = 0) -> str:
        """A common value; where none is commoner than others, one from the middle."""
        if place < len(self.common):
            return self.common[place]
        if self.told:
            return self.ordered[(len(self.ordered) // 2 + place - len(self.common)) % len(self.ordered)]
        return self.common[place % len(self.common)]

    def rare(self, place: int = 0) -> str:
        """A value that is not among the common ones, else the least common."""
        if self.told:
            return self.ordered[(len(self.ordered) // 3 + place) % len(self.ordered)]
        return self.common[-1 - place % len(self.common)]

    def at(self, share: float, place: int = 0) -> str:
        """The value below which that share of the others lies, roughly; ``place`` counts towards the middle."""
        index = int(share * (len(self.ordered) - 1) + 0.5)
        return self.ordered[(index + (place if share < 0.5 else -place)) % len(self.ordered)]

    def absent(self, category: str, place: int = 0) -> str:
        """A value that is none of those known, of the same form."""
        known = {*self.common, *self.ordered}
        value = absent(self.rare(place), category)
        for _ in range(8):
            if value not in known:
                break
            value = absent(value, category)
        return value


def samples(stats: ColumnStats | None) -> Samples:
    """The samples in a column's statistics."""
    if stats is None:
        return Samples()
    common = tuple(stats.most_common_vals or ())
    return made(common, tuple(stats.histogram_bounds or ()), stats.n_distinct <= -0.99, stats.null_frac > 0)


def made(common: tuple[str, ...], others: tuple[str, ...], unique: bool = False, nullable: bool = False) -> Samples:
    """Samples of common values and of others in their order; without others, the common ones are ordered as we can."""
    return Samples(common, others or tuple(sorted(common, key=_key)), bool(others), unique, nullable)


def _key(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def absent(value: str, category: str) -> str:
    """Another value of the same form: digits and letters moved on, dates into another century."""
    if category == "N":
        whole = re.fullmatch(r"-?\d+", value)
        return (
            str(-1 - abs(int(value))) if whole and int(value) >= 0 else "0.00123" if not whole else str(int(value) - 7)
        )
    if category == "D":
        return re.sub(r"\A\d{4}", lambda m: f"{(int(m[0]) - 137) % 9000 + 1:04d}", value)
    if category in ("B", "E"):
        return value
    hexadecimal = _HEX.match(value)
    head = value[:2] if value.startswith(("0x", "\\x")) else ""
    return head + "".join(_moved(c, bool(hexadecimal)) for c in value[len(head) :])


def _moved(char: str, hexadecimal: bool) -> str:
    letters = "abcdef" if hexadecimal else "abcdefghijklmnopqrstuvwxyz"
    for alphabet in ("0123456789", letters, letters.upper()):
        if char in alphabet:
            return alphabet[(alphabet.index(char) + 5) % len(alphabet)]
    return char


def within(values: Sequence[str], keys: Sequence[str | None]) -> tuple[str, ...]:
    """What documents hold under the keys, as ``->>`` prints it. A key that is None means the document's first one."""
    found = []
    for text in values:
        try:
            document = json.loads(text, parse_float=str, parse_int=str)
        except ValueError:
            continue
        for key in keys:
            key = next(iter(document), None) if key is None and isinstance(document, dict) else key
            document = document.get(key) if isinstance(document, dict) else None
        if document is not None:
            found.append(as_text(document))
    return tuple(dict.fromkeys(found))


def as_text(value: object) -> str:
    """A JSON value as ``->>`` prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
