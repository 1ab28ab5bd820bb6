"""What a parameter's type is, and a value of it where nothing else is known."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.workload.arrays import write_array


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A parameter's type. ``base`` is behind domains, ``category`` is ``pg_type.typcategory``, ``labels`` are an
    enum's."""

    name: str
    base: str
    category: str
    element: str | None = None
    labels: tuple[str, ...] = ()


PLAIN = {
    "boolean": ("true", "false"),
    "uuid": ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-0000000000ff"),
    "date": ("2024-06-01", "2024-12-31"), "timestamp without time zone": ("2024-06-01 00:00:00", "2024-12-31 00:00:00"),
    "timestamp with time zone": ("2024-06-01 00:00:00+00", "2024-12-31 00:00:00+00"),
    "time without time zone": ("12:00:00", "23:00:00"), "time with time zone": ("12:00:00+00", "23:00:00+00"),
    "interval": ("1 day", "1 year"), "json": ("{}", "{}"), "jsonb": ("{}", "{}"), "bytea": ("\\x00", "\\xff"),
    "inet": ("127.0.0.1", "10.0.0.1"), "cidr": ("10.0.0.0/8", "10.1.0.0/16"), "regclass": ("pg_class", "pg_type"),
    "regconfig": ("english", "simple"), "tsquery": ("example", "absent"), "tsvector": ("example", "absent"),
    "jsonpath": ("$", "$.a"), "macaddr": ("08:00:2b:01:02:03", "08:00:2b:01:02:04"), "point": ("(0,0)", "(1,1)"),
    "bit": ("0", "1"), "bit varying": ("0", "1"), "pg_lsn": ("0/0", "1/0"), "xml": ("<a/>", "<b/>"),
}  # fmt: skip
_CATEGORIES = {
    "N": ("1", "1000"),
    "S": ("example", "absent"),
    "B": ("true", "false"),
    "A": ("{}", "{}"),
    "R": ("empty", "empty"),
}


def plain(kind: TypeFacts, *, last: bool = False) -> str | None:
    """A value of a type, or another, later one; NULL of a type that we know nothing of."""
    if kind.category == "E" and kind.labels:
        return kind.labels[-1 if last else 0]
    if kind.category == "A" and kind.labels:
        return write_array([kind.labels[-1 if last else 0]])
    pair = PLAIN.get(kind.base) or _CATEGORIES.get(kind.category)
    return pair[last] if pair else None
