"""Views, functions and sequences: does their answer to A depend on rows of B? Asked with B's rows there, and gone."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.catalog import Routine, View
from pgassay.model import literal, quote
from pgassay.rehearsal.isolation.bench import Bench, Outcome
from pgassay.rehearsal.isolation.ground import Ground
from pgassay.rehearsal.isolation.model import Actor
from pgassay.server import StatementError

_ARGUMENTS = 12  # combinations of arguments tried for a function
_POLYMORPHIC = re.compile(r"\b(any\w*|internal|record|trigger|event_trigger|cstring|VARIADIC|OUT)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Differs:
    """A statement that answers A differently where B has rows, or that changes B's rows."""

    sql: str
    seen: str


def view(ground: Ground, bare: Bench, actor: Actor, each: View) -> Differs | None:
    """A view or materialised view."""
    sql = f"SELECT * FROM {each.name}"
    for column in each.columns:  # the plainest statement first
        for owned in ground.tenancy.owned.values():
            for name, domain in owned.columns[:1]:
                if column.name == name:
                    narrow = f"{sql} WHERE {quote(name)}::text = {literal(ground.value(domain, 'B'))}"
                    if rows := ground.bench.attempt(actor, narrow).rows:
                        return Differs(narrow, f"{_rows(len(rows))} of tenant B")
    return _compared(ground, bare, actor, sql) or spied(ground, actor, each)


def spied(ground: Ground, actor: Actor, each: View, before: str = "SELECT 1") -> Differs | None:
    """A view that filters and is no security barrier shows the rows it filters to a cheap function in a WHERE."""
    if each.materialized or any(
        o.replace(" ", "") in ("security_barrier=true", "security_invoker=true") for o in each.options
    ):
        return None
    for column in each.columns:
        marks = {
            ground.value(d, "B")
            for o in ground.held.values()
            for c, d in o.owned.columns[:1]
            if c == column.name and d.root != o.table.name
        }
        if not marks:
            continue
        spy = (
            f"CREATE FUNCTION pg_temp.spy({column.type}) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
            " 'BEGIN RAISE WARNING ''%'', $1; RETURN true; END'"
        )
        sql = f"SELECT * FROM {each.name} WHERE pg_temp.spy({quote(column.name)})"
        said = _said(ground.bench, before, f"{actor.sql} {spy}", sql)
        if leaked := next((m for m in said if m in marks), None):
            return Differs(f"{spy};\n{sql}", f"the function is shown {column.name} {leaked} of tenant B")
    return None


def _said(bench: Bench, *statements: str) -> list[str]:
    """The warnings of the last of some statements."""
    bench.tried += 1
    with bench.session.rolled_back():
        try:
            bench.session.run("SET LOCAL client_min_messages = warning")
            for statement in statements:
                bench.session.notices()
                bench.session.run(statement)
        except StatementError:
            return []
        return [notice.message for notice in bench.session.notices()]


def routine(ground: Ground, bare: Bench, actor: Actor, each: Routine) -> Differs | None:
    """A function or procedure that the role may execute, with made-up arguments."""
    for arguments in _arguments(ground, each):
        if each.kind == "procedure":
            sql = f"CALL {each.name}({arguments})"
        else:
            sql = f"SELECT * FROM {each.name}({arguments})"
        if each.volatility == "volatile" and (changed := _changed(ground, actor, sql)):
            return Differs(sql, changed)
        if found := _compared(ground, bare, actor, sql):
            return found
    return None


def may_execute(ground: Ground, role: str, each: Routine) -> bool:
    """Whether the role may call a routine, whose schema it can reach."""
    with contextlib.suppress(StatementError):
        return (
            ground.bench.session.value(
                f"SELECT has_function_privilege({literal(role)}, p.oid, 'EXECUTE') AND"
                f" has_schema_privilege({literal(role)}, p.pronamespace, 'USAGE') FROM pg_proc p"
                f" WHERE p.oid = to_regprocedure({literal(_signature(each))})"
            )
            == "t"
        )
    return False


def sequence(ground: Ground, actor: Actor, name: str) -> Differs | None:
    """Whether a tenant can set a sequence back, on which all tenants' rows depend."""
    sql = f"SELECT setval({literal(name)}, 1, false)"
    got = ground.bench.attempt(actor, sql)
    return Differs(sql, "the next row of any tenant collides") if got.error is None else None


def _signature(each: Routine) -> str:
    types = [_type_of(a) for a in _split(each.arguments)]
    return f"{each.name}({', '.join(types)})"


def _arguments(ground: Ground, each: Routine) -> Iterator[str]:
    """Argument lists: what is B's where the name or the type fits, else NULL."""
    parts = _split(each.arguments)
    if any(_POLYMORPHIC.search(p) for p in parts):
        return
    choices = [_candidates(ground, p) for p in parts]
    yield from itertools.islice((", ".join(c) for c in itertools.product(*choices)), _ARGUMENTS)


def _candidates(ground: Ground, argument: str) -> list[str]:
    name, kind = argument.rpartition(" ")[0].strip('" ').lower(), _type_of(argument)
    found: list[str] = []
    for domain in ground.tenancy.domains:
        found.append(ground.value(domain, "B"))
    for held in ground.held.values():
        words = held.table.name.name
        for column in held.table.columns:
            value = held.theirs.get(column.name)
            if value is not None and column.type == kind:
                near = column.name in name or name in (column.name, f"{words}_{column.name}") or words in name
                found.insert(0 if near else len(found), value)
    typed = {"uuid": r"[0-9a-f-]{36}", "integer": r"-?\d{1,9}", "bigint": r"-?\d{1,18}", "smallint": r"-?\d{1,4}"}
    pattern = typed.get(kind, r"(?s).*")
    fitting = [v for v in dict.fromkeys(found) if re.fullmatch(pattern, v)]
    if kind in typed or kind in ("text", "character varying", "varchar"):
        return [f"{literal(v)}::{kind}" for v in fitting[:4]] or [f"NULL::{kind}"]
    return [f"NULL::{kind}"]


def _split(arguments: str) -> list[str]:
    parts, depth = [""], 0
    for letter in arguments:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [p.strip() for p in parts if p.strip()]


_TYPES = re.compile(
    r"(?:IN |INOUT )?(?:\"[^\"]+\" |\w+ )?((?:double precision|character varying|timestamp with(?:out)? time zone|"
    r"time with(?:out)? time zone|[\w.\"]+)(?:\[\])*)\Z"
)


def _type_of(argument: str) -> str:
    match = _TYPES.match(argument)
    return match[1] if match else argument


def _compared(ground: Ground, bare: Bench, actor: Actor, sql: str) -> Differs | None:
    """The same question twice where B has rows, and once where it has none."""
    first, again = ground.bench.attempt(actor, sql), ground.bench.attempt(actor, sql)
    if first.error is not None or _sorted(first) != _sorted(again):
        return None
    other = bare.attempt(actor, sql)
    if other.error is not None or _sorted(first) == _sorted(other):
        return None
    only = [row for row in first.rows if row not in other.rows]
    shown = ", ".join(str(v) for v in only[0])[:120] if only else f"{len(first.rows)} rows"
    return Differs(sql, f"the answer is another one without tenant B's rows: ({shown})")


def _changed(ground: Ground, actor: Actor, sql: str) -> str | None:
    tables = list(ground.held.values())
    look = [held.digest for held in tables]
    after = ground.bench.attempt(actor, sql, look=look)
    if after.state == "23503":  # it reached them, and a foreign key was in the way
        drops = [
            f"ALTER TABLE {t.name} DROP CONSTRAINT {quote(k.name)}"
            for t in ground.tenancy.catalog.tables
            for k in t.foreign_keys
            if not k.inherited
        ]
        after = ground.bench.attempt(actor, sql, look=look, before=drops)
    if after.error is not None:
        return None
    for held, now in zip(tables, after.looked, strict=False):
        if now != ground.digest(held):
            return f"rows of tenant B in {held.table.name} are not what they were"
    return None


def _sorted(outcome: Outcome) -> list[str]:
    return sorted(map(repr, outcome.rows))


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
