"""Advice on memory, workers, and what no single node is to blame for."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model.plans.tree import Plan
from pgassay.model.plans.words import Advice, pairs, size


def hashes(plan: Plan) -> Iterator[Advice]:
    """Hash tables that did not fit."""
    for parent, node in pairs(plan):
        batches = node.number_of("Hash Batches") or node.number_of("HashAgg Batches")
        disk = node.number_of("Disk Usage")
        if batches <= 1 and not disk:
            continue
        peak = node.number_of("Peak Memory Usage")
        if node.kind == "Hash":
            tables = ", ".join(dict.fromkeys(n.table for n in node.walk() if n.table)) or "its input"
            joined = f" for {parent.text_of('Hash Cond')}" if parent is not None else ""
            what = f"hashes {tables}{joined} in {batches:.0f} batches"
            peak *= batches
        else:
            what = f"groups by {node.text_of('Group Key')} in {batches:.0f} batches ({size(disk)} on disk)"
            peak += disk * 2
        planned = node.number_of("Planned Partitions")
        off = f" ({planned:.0f} planned)" if planned else ""
        yield Advice(
            node=node.number,
            kind="hash-spill",
            share=node.share + (parent.share if parent is not None and node.kind == "Hash" else 0),
            text=f"{what}{off}: work_mem × hash_mem_multiplier of {size(max(peak, 64))} keeps it in memory",
        )


def storage(plan: Plan) -> Iterator[Advice]:
    for node in plan.walk():
        if node.facts.get("Storage") == "Disk":
            yield Advice(
                node=node.number,
                kind="temporary-storage",
                share=node.share,
                text=f"{node.kind} keeps {size(node.number_of('Maximum Storage'))} on disk: more work_mem, or fewer"
                " columns and rows below it",
            )


def workers(plan: Plan) -> Iterator[Advice]:
    for node in plan.walk():
        planned, launched = node.number_of("Workers Planned"), node.facts.get("Workers Launched")
        if launched is not None and launched < planned:
            yield Advice(
                node=node.number,
                kind="workers",
                share=sum(n.share for n in node.walk()) / 2,
                text=f"{planned:.0f} workers were planned and {launched} started: max_parallel_workers was used up",
            )


def whole(plan: Plan) -> Iterator[Advice]:
    """What no single node is to blame for."""
    total = plan.execution_ms or 0.0
    if not total:
        return
    timing = plan.jit.get("Timing", {})
    jit = float(timing.get("Total", 0.0)) if isinstance(timing, dict) else 0.0
    if jit > total / 4:
        yield Advice(
            node=1, kind="jit", share=jit / total,
            text=f"compiling took {jit:,.0f} of {total:,.0f} ms: jit = off, or a higher jit_above_cost",
        )  # fmt: skip
    for trigger in plan.triggers:
        spent = float(trigger.get("Time", 0.0))
        if spent > max(1.0, total / 5):
            name = str(trigger.get("Constraint Name") or trigger.get("Trigger Name"))
            table = str(trigger.get("Relation", ""))
            cure = (
                f"an index on the columns that refer to it ({name})"
                if "Constraint Name" in trigger
                else "what it does a row"
            )
            yield Advice(
                node=1, kind="trigger", share=spent / (total or 1), subject=table,
                text=f"trigger {name} of {table} took {spent:,.1f} of {total:,.1f} ms in"
                f" {trigger.get('Calls', 0):,} calls: {cure}",
            )  # fmt: skip
    if plan.planning_ms is not None and plan.planning_ms > max(10.0, 2 * total):
        yield Advice(
            node=1, kind="planning", share=0.0,
            text=f"planning took {plan.planning_ms:,.1f} ms, running {total:,.1f}: prepare the statement once, or let"
            " fewer partitions and joins be considered",
        )  # fmt: skip


RULES = (hashes, storage, workers, whole)
