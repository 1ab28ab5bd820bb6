"""Days that an event table's rows are kept: functions that tell which partitions are past that, and let them go."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pgassay.chain.design.events import EventTable
from pgassay.chain.design.layout import BLOCK_BITS, CHAIN_BITS, Shape
from pgassay.chain.design.templates import filled
from pgassay.chain.model import Retention, Settings
from pgassay.chain.names import joined
from pgassay.errors import InputError
from pgassay.model import literal


@dataclass(frozen=True, slots=True)
class Kept:
    """An event table whose rows are kept for some days; ``first`` is the partition that migrations name."""

    table: str
    days: int
    first: str


def retained(settings: Settings, events: Sequence[EventTable], states: Mapping[str, Sequence[str]]) -> tuple[Kept, ...]:
    """What ``[design.retention]`` asks for. ``states``: tables of states by the event tables that they are read from.

    Raises InputError for a table that is no event's, one whose old rows are needed, and a design without partitions.
    """

    def fail(wanted: Retention, problem: str, hint: str) -> InputError:
        return InputError(f"retention of {wanted.table}: {problem}", path=settings.path, line=wanted.line, hint=hint)

    names = [e.table.name.name for e in events]
    for wanted in settings.retention:
        if wanted.table not in names:
            close = difflib.get_close_matches(wanted.table, names, n=3)
            raise fail(
                wanted, "the design has no event table of that name", f"There are {', '.join(close or names[:9])}."
            )
        if settings.partition == "none":
            hint = 'Say partition = "block" or "time", or leave the retention out.'
            raise fail(wanted, "rows go by partitions, and this design has none", hint)
        if wanted.table in states:
            used = ", ".join(states[wanted.table])
            hint = "Keep these events: after a reorganisation the state is read from the latest one before it."
            raise fail(wanted, f"{used} is read from its rows, however old they are", hint)
    return tuple(Kept(r.table, r.days, joined(r.table, "p0")) for r in settings.retention)


def functions(shape: Shape, kept: Sequence[Kept], words: Mapping[str, object]) -> list[tuple[str, str]]:
    """``expired_partitions``, ``maintain_partitions`` and ``renew_partitions`` with their ways back.

    ``words`` are those of the functions that make partitions."""
    expired, maintain, renew = (shape.name(f"{n}_partitions") for n in ("expired", "maintain", "renew"))
    by_time = shape.partition_key() == "block_time"
    kind = "timestamptz" if by_time else "bigint"
    low, high = (f"ends[{n}]::{kind}" for n in (1, 2))
    horizon = words["horizon"]
    use: dict[str, object] = {
        **words, "expired": expired, "maintain": maintain, "noun": "time" if by_time else "block", "kind": kind,
        "blocks": shape.name("blocks"), "chain": "chain_no" if shape.packed else "chain_id",
        "kept": ", ".join(f"({literal(k.table)}, {k.days}, {literal(k.first)})" for k in kept),
        "low": low, "high": high, "of_chain": "NULL::integer", "same": "", "chain_out": "", "chain_of": "",
        "reached": '"time"' if by_time else "number", "mark": f"m.low = old.from_{'time' if by_time else 'block'}",
        "held": low, "newest": f"SELECT max(low) AS low FROM {horizon} HAVING max(low) IS NOT NULL",
    }  # fmt: skip
    if shape.packed:
        number = f"(ends[1]::bigint >> {CHAIN_BITS})"
        block = f"(ends[1]::bigint >> {BLOCK_BITS}) & {2 ** (CHAIN_BITS - BLOCK_BITS) - 1}"
        use |= {
            "low": block, "high": f"(ends[2]::bigint - ({number} << {CHAIN_BITS})) >> {BLOCK_BITS}",
            "of_chain": f"{number}::smallint", "same": "h.chain = s.chain AND ", "chain_out": "chain_no smallint, ",
            "chain_of": "s.chain, ", "mark": "m.chain_no = old.chain_no AND m.low = old.from_block",
            "held": f"{number}::smallint, {block}",
            "newest": f"SELECT chain_no, max(low) AS low FROM {horizon} GROUP BY chain_no",
        }  # fmt: skip
    use["young"] = "s.high > s.since" if by_time else filled("retention.sql", "young", **use)
    use["made_ahead"] = str(use["made"]).removesuffix(")") + ", reached.ahead)"
    told = {
        f"{expired}(timestamptz)": "Which partitions are past their retention, and what maintain_partitions would do.",
        f"{maintain}(timestamptz)": "Makes partitions ahead and lets go of those past their retention: run it daily."
        " Sums and balances stay as they are.",
    }
    made = [
        (filled("retention.sql", "expired", **use), f"DROP FUNCTION {expired}(timestamptz)"),
        (filled("retention.sql", "maintain", **use), f"DROP FUNCTION {maintain}(timestamptz)"),
        (filled("retention.sql", "renew", **use), f"DROP FUNCTION {renew}()"),
    ]
    return [
        *made,
        *((f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC", "") for name in told),
        *((f"COMMENT ON FUNCTION {name} IS {literal(text)}", "") for name, text in told.items()),
    ]
