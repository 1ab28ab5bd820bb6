"""Function dropped

The running application's calls of it fail. Whether there are any is not written in the database.

**Seen by:** the function that stands before the change and not after it, and the workload where one is given. Trigger
functions, which no application calls, and functions that the change creates again are not reported.

**Instead:** drop it in a later migration, once no version that calls it runs.

Source: PostgreSQL manual, DROP FUNCTION.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog.model import Routine
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict
from pgassay.model.actions import Drop
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (Drop,)
_KINDS = {"function", "procedure", "routine", "aggregate"}


def find(step: Step) -> Iterator[Finding]:
    """Report functions that are gone at the end of the change."""
    if step.before is None or step.after is None or (step.seen and step.seen.failure):
        return
    standing = {(r.name, r.arguments) for r in step.after.routines}
    earlier = [d for s in step.earlier for d in s.of(Drop) if d.kind in _KINDS]
    for drop in step.statement.of(Drop):
        for name in drop.names if drop.kind in _KINDS else ():
            full = _full(name)
            gone = [r for r in step.before.routines if _names(drop, r) and (r.name, r.arguments) not in standing]
            gone = [r for r in gone if not any(_names(other, r) for other in earlier)]
            called = [r for r in gone if r.result not in {"trigger", "event_trigger"}]
            breaks = step.breaks()
            if not called or any(r.name == full for r in step.after.routines):
                continue
            yield step.finding(
                VERDICT,
                f"{drop.kind} {name} is dropped, and calls of it by the running application fail",
                subject=f"{full}()",
                certainty=None if breaks else Certainty.COMPUTED,
                evidence=(
                    *break_evidence(breaks),
                    Evidence(kind="catalog", text=f"{full}({called[0].arguments}) stands before the change only"),
                ),
                remedy=f"-- in a later migration, once no application calls {name}\n{step.statement.text};",
            )


def _full(name: Name) -> Name:
    return name.within("public")


def _names(drop: Drop, routine: Routine) -> bool:
    """Whether the statement means this routine: with its arguments' types, where it says them."""
    if routine.name not in map(_full, drop.names):
        return False
    if drop.arguments is None:
        return True
    had = [_bare(word) for word in re.split(r", (?![^(]*\))", routine.arguments) if word]
    types = [_bare(word) for word in drop.arguments]
    return len(had) == len(types) and all(h == t or h.endswith(f" {t}") for h, t in zip(had, types, strict=True))


def _bare(type: str) -> str:
    """A type (perhaps after an argument's name) without its schema and modifiers, by the name that catalogs use."""
    bare, brackets = re.sub(r"\(.*?\)", "", type).partition("[")[::2]
    bare = re.sub(r"[\w\"]+\.(?=[\w\"]+$)", "", bare)
    return _LONG.get(bare, bare) + "[]" * brackets.count("]")


_LONG = {
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    "timetz": "time with time zone", "time": "time without time zone", "varchar": "character varying",
    "char": "character", "bpchar": "character", "int": "integer", "int4": "integer", "int8": "bigint",
    "int2": "smallint", "float4": "real", "float8": "double precision", "bool": "boolean", "decimal": "numeric",
}  # fmt: skip
