"""A plan of PostgreSQL (``EXPLAIN (FORMAT JSON)``) as a readable tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pgassay.report.words import one_line, visible

# What a person asks of a node, in the order of reading; the rest is in the JSON.
_DETAILS = (
    "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "One-Time Filter", "TID Cond",
    "Order By", "Sort Key", "Presorted Key", "Group Key", "Conflict Arbiter Indexes", "Cache Key", "Subplans Removed",
    "Workers Planned",
)  # fmt: skip
_LONGEST = 400


def plan_text(plan: Mapping[str, Any], *, remarks: tuple[str, ...] = ()) -> str:
    """The tree of one plan: an object with ``Plan``, as PostgreSQL prints it in a list of one."""
    lines = list(_node(plan["Plan"], "", ""))
    lines += [f"note: {visible(one_line(remark))}" for remark in remarks]
    return "\n".join(lines) + "\n"


def _node(node: Mapping[str, Any], first: str, rest: str) -> Iterator[str]:
    children: list[Mapping[str, Any]] = node.get("Plans", [])
    yield f"{first}{_title(node)}  {_numbers(node)}"
    bar = "│  " if children else "   "
    for name in _DETAILS:
        if node.get(name):
            yield f"{rest}{bar}{name.lower()}: {_short(node[name])}"
    for position, child in enumerate(children, 1):
        last = position == len(children)
        yield from _node(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


def _title(node: Mapping[str, Any]) -> str:
    kind = str(node["Node Type"])
    if node.get("Operation") and kind == "ModifyTable":
        kind = str(node["Operation"])
    if node.get("Strategy") in ("Hashed", "Sorted", "Mixed") and kind == "Aggregate":
        kind = f"{node['Strategy']} {kind}"
    if node.get("Join Type", "Inner") != "Inner":
        kind = f"{kind} ({str(node['Join Type']).lower()})"
    words = [("Parallel " if node.get("Parallel Aware") else "") + kind]
    if node.get("Scan Direction") == "Backward":
        words.append("backward")
    if "Index Name" in node:
        words.append(f"using {node['Index Name']}")
    for key in ("Relation Name", "CTE Name", "Function Name"):
        if key in node:
            words.append(f"on {_qualified(node, key)}")
            if node.get("Alias", node[key]) != node[key]:
                words.append(str(node["Alias"]))
    if "Subplan Name" in node:
        words.append(f"[{node['Subplan Name']}]")
    return one_line(" ".join(words))


def _qualified(node: Mapping[str, Any], key: str) -> str:
    schema = node.get("Schema") if key != "CTE Name" else None
    return f"{schema}.{node[key]}" if schema and schema not in ("public", "pg_catalog") else str(node[key])


def _numbers(node: Mapping[str, Any]) -> str:
    rows = f"{node['Plan Rows']:,} row{'' if node['Plan Rows'] == 1 else 's'}"
    return f"{rows}, cost {node['Startup Cost']:,.2f} to {node['Total Cost']:,.2f}"


def _short(value: Any) -> str:
    text = one_line(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
