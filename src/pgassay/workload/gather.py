"""Many runs made few statements: runs that differ only in their values are one statement with several sets of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pgassay.workload.forms import Forms
from pgassay.workload.logs import Entry
from pgassay.workload.model import Query

MOST_SETS = 8
_LIST = re.compile(r"\$\d+(?:::\w+)?(?:\s*,\s*\$\d+(?:::\w+)?)*")
_ROWS = re.compile(r"\(\$\)(?:\s*,\s*\(\$\))+")
_KEPT = 10_000  # texts and sets counted for one statement


@dataclass(slots=True)
class _Group:
    line: int
    calls: int = 0
    milliseconds: float = 0.0
    timed: int = 0
    texts: Counter[str] = field(default_factory=Counter)  # as sent
    forms: Counter[str] = field(default_factory=Counter)  # with parameters
    sets: Counter[tuple[str, tuple[str | None, ...]]] = field(default_factory=Counter)


def gathered(runs: Iterable[Entry], source: str) -> tuple[Query, ...]:
    """Statements of a log, those that took most time first.

    Sent with the same values each time, a statement stays as it is. Lists of values (IN, VALUES) of any length count as
    one statement, whose commonest form is kept. The commonest sets of values come first, at most eight.
    """
    groups: dict[str, _Group] = {}
    forms = Forms()
    for run in runs:
        form = forms.form(run.text)
        key = _ROWS.sub("($)", _LIST.sub("$", " ".join(form.text.split())))
        group = groups.setdefault(key, _Group(run.line))
        group.calls += 1
        if run.ms is not None:
            group.milliseconds += run.ms
            group.timed += 1
        _count(group.texts, run.text)
        _count(group.forms, form.text)
        sent = run.parameters or ()
        if len(sent) == form.first - 1:
            _count(group.sets, (form.text, (*sent, *form.values)))
    found = [_query(group, source) for group in groups.values()]
    return tuple(sorted(found, key=lambda q: (-(q.total_ms or 0), -q.calls, q.line)))


def _count(counter: Counter[str] | Counter[tuple[str, tuple[str | None, ...]]], key: object) -> None:
    if key in counter or len(counter) < _KEPT:
        counter[key] += 1  # type: ignore[index]


def _query(group: _Group, source: str) -> Query:
    form = group.forms.most_common(1)[0][0]
    sets = tuple(values for (of, values), _ in group.sets.most_common() if of == form and values)[:MOST_SETS]
    text = form
    if len(group.texts) == 1 and not any("$" in t for t in group.texts):
        text, sets = next(iter(group.texts)), ()
    total = group.milliseconds / group.timed * group.calls if group.timed else None
    return Query(text=text, calls=group.calls, total_ms=total, parameters=sets, source=source, line=group.line)
