"""Token amount in a numeric that is too narrow

A uint256 has up to 78 digits. A narrower `numeric` refuses what does not fit, which is no rare case: "unlimited"
approvals are 2^256-1. With fewer than 18 decimals behind the point the last digits are rounded off in silence.

**Seen by:** precision and scale, in a table of on-chain data. 2^256-1 is put into a copy of the table; into one with
decimals, a billion tokens and the smallest part of a token with 18 decimals. Up to four decimals look like money in a
currency, and are left alone, and so is `numeric` without a precision.

**Instead:** `numeric(78,0)` in the token's smallest unit; `numeric(78,18)` where amounts are kept in whole tokens.

Source: PostgreSQL manual, chapter 8.1.2 "Arbitrary Precision Numbers"; ERC-20 (uint256 amounts).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.chain import UINT256
from pgassay.rules.schema.columns import amounts, retyped
from pgassay.rules.state import State

VERDICT = Verdict.LOSES_DATA
_LIKE_MONEY = range(1, 5)  # decimals
_SMALLEST = "0.000000000000000001"
_BILLION = "1000000000"


def survey(state: State) -> Iterator[Finding]:
    """Report amounts that do not fit, or lose decimals."""
    for table, column, kind, about in amounts(state):
        if kind.name != "numeric" or not kind.arguments:
            continue
        precision, scale = (*kind.arguments, 0)[:2]
        if precision - scale >= 78 or scale in _LIKE_MONEY or about.fiat(table):
            continue
        values = [str(UINT256)] if scale <= 0 else [_BILLION, _SMALLEST]
        for value in values:
            trial = state.put(table, {column.name: value})
            if trial is None:
                continue
            if trial.refusal is not None and trial.refusal.sqlstate == "22003":
                said = f"{value} → {trial.refusal}"
                what = "2^256-1" if value == str(UINT256) else "a billion tokens"
                message = f"{table.name}.{column.name} cannot hold {what}: it is {column.type}"
            elif trial.taken and scale > 0 and value == _SMALLEST and not float(trial.rows[0][0] or 0):
                said = f"{value} was put in and came back as {trial.rows[0][0]}"
                message = f"{table.name}.{column.name} rounds amounts to {scale} decimals: it is {column.type}"
            else:
                continue
            wide = "numeric(78,0)" if scale <= 0 else f"numeric(78,{max(scale, 18)})"
            yield state.finding(
                VERDICT,
                message,
                subject=(table.name, column.name),
                certainty=Certainty.PROVED,
                evidence=(Evidence(kind="lost" if trial.taken else "error", text=said),),
                remedy=retyped(state, table, column, wide, f"{quote(column.name)}::{wide}"),
            )
            break
