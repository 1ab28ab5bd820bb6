"""An outcome as an answer of at most so many bytes: what does not fit is counted, and kept for ``details``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from pgassay.mcp.answers import Advice, Answer, Decision, Findings, Found, Made, Option, Page, Recommended
from pgassay.mcp.kept import Kept
from pgassay.mcp.marking import Quoted, quoted

MOST = 8_000  # bytes of a result as it is sent, with its envelope less than 8 KiB
_CAPS = (400, 240, 120)  # characters of a message
_LAST_CAPS = (120, 40, 12)  # where every character takes twelve bytes
_ITEMS, _NOTES = 40, 5
_PAGE = 3_600

A = TypeVar("A", bound=Answer)


def result(answer: BaseModel) -> CallToolResult:
    """Structured, and the same as text for clients that know no other."""
    text = answer.model_dump_json(exclude_defaults=True)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=json.loads(text))


def size(made: CallToolResult) -> int:
    """Bytes on the wire, with every character that is not ASCII escaped, as some clients have it."""
    return len(json.dumps(made.model_dump(mode="json", by_alias=True, exclude_none=True)).encode())


def findings(outcome: Mapping[str, Any], kept: Kept) -> CallToolResult:
    """Of a report, or of a plan."""
    plan = outcome.get("plan")

    def item(each: Mapping[str, Any], cap: int) -> Found:
        return Found(
            **{name: each[name] for name in ("id", "rule", "verdict", "certainty", "remedy")},
            place=quoted(each["place"], min(cap, 120)),
            message=quoted(each["message"], cap),
        )

    def make(common: dict[str, Any], items: list[Found], cap: int) -> Findings:
        return Findings(**common, items=items, plan=None if plan is None else quoted(plan, cap * 5))

    return _fitted(outcome, kept, item, make)


def advice(outcome: Mapping[str, Any], kept: Kept) -> CallToolResult:
    """Of a tuning."""

    def item(each: Mapping[str, Any], cap: int) -> Recommended:
        return Recommended(
            **{name: each[name] for name in ("id", "kind", "certainty", "queries", "gain")},
            sql=quoted(each["sql"], cap),
        )

    return _fitted(outcome, kept, item, lambda common, items, _: Advice(**common, items=items))


def made(outcome: Mapping[str, Any], kept: Kept) -> CallToolResult:
    """Of what was written."""
    files = outcome.get("files", [])

    def item(each: Mapping[str, Any], cap: int) -> Quoted:
        return quoted(each["text"], cap)

    def make(common: dict[str, Any], items: list[Quoted], cap: int) -> Made:
        return Made(
            **common,
            status="needs_decision" if outcome.get("decision") else "done",
            decision=_decision(outcome.get("decision"), cap),
            items=items,
            files=[quoted(path, min(cap, 200)) for path in files[: min(8, cap // 10)]],
        )

    return _fitted(outcome, kept, item, make)


def _fitted(
    outcome: Mapping[str, Any],
    kept: Kept,
    item: Callable[[Mapping[str, Any], int], Any],
    make: Callable[[dict[str, Any], list[Any], int], A],
) -> CallToolResult:
    items, notes, asked = outcome["items"], outcome["notes"], outcome.get("decision")
    run = kept.run()
    common: dict[str, Any] = {"run": run, "counts": outcome["counts"], "handoff": None}
    kept.put(run, "\n".join(json.dumps(_without_body(i), ensure_ascii=False) for i in (*items, {"notes": notes})))
    if outcome.get("handoff"):
        common["handoff"] = f"{run}.handoff"
        kept.put(common["handoff"], outcome["handoff"])
    if outcome.get("plan"):
        kept.put(f"{run}.plan", outcome["plan"])
    for each in items:
        if "body" in each:
            kept.put(each["id"], json.dumps(each["body"], ensure_ascii=False, indent=1))
    if asked:
        kept.put(f"{run}.about", "\n".join(asked["about"]))
    for cap in _CAPS:
        common["notes"] = [quoted(n, cap) for n in notes[:_NOTES]]
        shown = [item(each, cap) for each in items[:_ITEMS]]
        for number in range(len(shown), min(len(shown), 8) - 1, -1):
            whole = result(make(common | {"more": len(items) - number}, shown[:number], cap))
            if size(whole) <= MOST:
                return whole
    common["notes"] = []
    for cap in _LAST_CAPS:
        shown = [item(each, cap) for each in items[:_ITEMS]]
        for number in range(len(shown), -1, -1):
            whole = result(make(common | {"more": len(items) - number}, shown[:number], cap))
            if size(whole) <= MOST:
                return whole
    raise AssertionError("an answer without items is small")


def _without_body(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "body"}


def _decision(asked: Mapping[str, Any] | None, cap: int) -> Decision | None:
    if asked is None:
        return None
    return Decision(
        question=asked["question"],
        about=[quoted(each, cap) for each in asked["about"][: min(10, cap // 10)]],
        options=[Option(**option) for option in asked["options"]],
    )


def page(id: str, text: str, offset: int) -> CallToolResult:
    """As much of a kept text as fits."""
    most = _PAGE
    while True:
        part = text[offset : offset + most]
        following = offset + len(part)
        clean = quoted(part, most)
        whole = result(
            Page(id=id, size=len(text), offset=offset, next=following if following < len(text) else None, text=clean)
        )
        if size(whole) <= MOST:
            return whole
        most = most * 3 // 4
