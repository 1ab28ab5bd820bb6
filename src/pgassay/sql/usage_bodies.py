"""The statements inside a PL/pgSQL block."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from postgast import parse_plpgsql

from pgassay.model import literal
from pgassay.sql.tree import PgQueryError

_ASSIGNMENT = re.compile(r"^[\w.\"\[\]]+\s*:?=(?!=)\s*")
_CONSTANT = re.compile(r"\s*(?:E)?'((?:[^']|'')*)'\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """One SQL statement of a block, and the block's variables, which are no columns."""

    text: str
    variables: frozenset[str]


_TRIGGER = (
    "DECLARE new record; old record; tg_op text; tg_name text; tg_when text; tg_level text; tg_relid oid;"
    " tg_table_name text; tg_table_schema text; tg_nargs integer; tg_argv text[]; BEGIN {body}; END"
)


def trigger_function(body: str) -> str:
    """A trigger's function as one that the parser can print: it garbles the variables of a true one."""
    body = re.sub(r";\s*\Z", "", body)
    return f"CREATE FUNCTION f() RETURNS record LANGUAGE plpgsql AS {literal(_TRIGGER.format(body=body))}"


def anonymous_block(body: str) -> str:
    """A DO statement."""
    return f"DO {literal(body)}"


def body_queries(text: str) -> list[Query | None] | None:
    """The statements inside a PL/pgSQL function or block, in order; None stands for dynamic SQL that only running it
    can tell. None instead of a list where the body cannot be read.
    """
    try:
        trees = parse_plpgsql(text)
    except (PgQueryError, json.JSONDecodeError, ValueError):
        return None
    found: list[Query | None] = []
    for tree in trees:
        function = tree.get("PLpgSQL_function", {})
        names = frozenset(_names(function.get("datums", [])))
        found += list(_queries(function.get("action"), names))
    return found


def _names(datums: list[dict[str, Any]]) -> Iterator[str]:
    for datum in datums:
        for value in datum.values():
            if "refname" in value:
                yield value["refname"]


def _queries(node: Any, names: frozenset[str]) -> Iterator[Query | None]:
    if isinstance(node, list):
        for item in node:
            yield from _queries(item, names)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "PLpgSQL_stmt_dynexecute":
                text = value["query"]["PLpgSQL_expr"]["query"]
                constant = _CONSTANT.match(text)
                yield Query(constant[1].replace("''", "'"), names) if constant else None
            elif key == "PLpgSQL_expr":
                text, mode = value["query"], value.get("parseMode", 0)
                if mode == 0:
                    yield Query(text, names)
                else:
                    yield Query("SELECT " + (_ASSIGNMENT.sub("", text) if mode > 2 else text), names)
            elif key != "datums":
                yield from _queries(value, names)
