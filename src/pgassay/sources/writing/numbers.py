"""The next number in the style of the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pgassay.errors import InputError

_STAMPS = {
    14: ("%Y%m%d%H%M%S", timedelta(seconds=1)),
    12: ("%Y%m%d%H%M", timedelta(minutes=1)),
    8: ("%Y%m%d", timedelta(days=1)),
}
_UNITS = {10: 1, 13: 1_000}  # digits of a unix time, and how many of its units a second has
_NUMBERED = re.compile(r"^(?P<head>\D*)(?P<digits>\d+)(?P<between>[_\- ]*)")


def following(digits: str, now: datetime) -> Iterator[str]:
    """Numbers or time stamps after this one, of its width; stamps are not older than now (UTC)."""
    number = digits
    while True:
        number = _next(number, now)
        yield number


def _next(digits: str, now: datetime) -> str:
    now = now.astimezone(UTC)
    if len(digits) in _STAMPS:
        form, least = _STAMPS[len(digits)]
        try:
            last = datetime.strptime(digits, form).replace(tzinfo=UTC)
        except ValueError:
            last = None
        if last is not None and last.year >= 1990:
            return max(now, last + least).strftime(form)
    if len(digits) in _UNITS and digits[0] != "0":
        return str(max(int(now.timestamp() * _UNITS[len(digits)]), int(digits) + 1))
    return str(int(digits) + 1).zfill(len(digits))


def names_after(last: str, now: datetime, *, between: str | None = None) -> Iterator[str]:
    """Beginnings of names, ``0008_`` after ``0007_identities.sql``. Raises InputError where names hold no number."""
    match = _NUMBERED.match(last)
    if match is None:
        raise InputError(
            "its files are not numbered: no name would be known to come after the others",
            path=last,
            hint="Write the change elsewhere with --out DIR, and name it as your runner wants it.",
        )
    for number in following(match["digits"], now):
        yield f"{match['head']}{number}{match['between'] or '_' if between is None else between}"
