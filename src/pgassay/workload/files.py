"""Statements of a ``.sql`` file. Comments above a statement tell how often it runs and with which values:

    -- calls: 1200
    -- parameters: ["0xabc…", 10]
    -- parameters: ["0xdef…", null]
    SELECT * FROM transfers WHERE sender = $1 LIMIT $2;

PREPARE and EXECUTE tell the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from pgassay.errors import InputError
from pgassay.sql.parameters_script import Part, parts, told
from pgassay.workload.model import Query

_CALLS = re.compile(r"--\s*calls:\s*(\d+)\s*\Z", re.I)
_PARAMETERS = re.compile(r"--\s*parameters:\s*(.*)\Z", re.I)
_TIME = re.compile(r"--\s*total_ms:\s*(\d+(?:\.\d+)?)\s*\Z", re.I)


def read_sql(text: str, source: str) -> tuple[Query, ...]:
    """The statements of a text, in their order; equal ones once, with their calls added.

    What does not parse is kept for whoever plans it to name. Raises InputError for ``-- parameters:`` that are no JSON.
    """
    found: dict[str, Query] = {}
    prepared: dict[str, Query] = {}
    for part in parts(text):
        query = _query(part, source)
        what = told(part.text)
        match what.kind:
            case "control":
                continue
            case "prepare":
                prepared[what.name] = replace(query, text=what.text)
                continue
            case "execute" if what.name in prepared:
                of = prepared[what.name]
                sets = (what.values,) if what.values else of.parameters
                query = replace(query, text=of.text, line=of.line, parameters=sets)
        known = found.get(query.text)
        found[query.text] = query if known is None else _added(known, query)
    for query in prepared.values():  # never executed here, and yet part of the application
        found.setdefault(query.text, query)
    return tuple(found.values())


def _added(one: Query, other: Query) -> Query:
    times = (one.total_ms, other.total_ms)
    return replace(
        one,
        calls=one.calls + other.calls,
        total_ms=None if None in times else sum(t for t in times if t is not None),
        parameters=tuple(dict.fromkeys((*one.parameters, *other.parameters))),
    )


def _query(part: Part, source: str) -> Query:
    query = Query(text=part.text, source=source, line=part.line)
    for comment in part.comments:
        if match := _CALLS.match(comment):
            query = replace(query, calls=int(match[1]))
        elif match := _TIME.match(comment):
            query = replace(query, total_ms=float(match[1]))
        elif match := _PARAMETERS.match(comment):
            query = replace(query, parameters=(*query.parameters, *_sets(match[1], source, part.line)))
    return query


def _sets(text: str, source: str, line: int) -> list[tuple[str | None, ...]]:
    try:
        read = json.loads(text, parse_float=_Exact)
    except ValueError as error:
        raise InputError(f"the parameters are no JSON: {error}", path=source, line=line) from None
    if not isinstance(read, list):
        raise InputError('the parameters are a JSON list: ["a", 10, null]', path=source, line=line)
    rows = read if read and all(isinstance(item, list) for item in read) else [read]
    return [tuple(_text(value) for value in row) for row in rows]


class _Exact(float):
    """A number with all digits of its text."""

    def __init__(self, text: str) -> None:
        self.text = text


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, _Exact):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
