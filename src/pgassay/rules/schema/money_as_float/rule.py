"""Money as floating-point number

0.1 has no exact value in binary. Ten payments of 0.1 do not make 1, a total differs from the sum of its lines in the
last cent, and two sums of the same rows in another order differ from each other.

**Seen by:** the column's type, where the name or the table says that it is money: a currency beside it, or a table of
payments, invoices, orders or accounts. Ten times 0.1 are put into a copy of the table and added up. Prices of a market,
measurements and quantities are left alone.

**Instead:** `numeric`, with the currency beside it.

Source: PostgreSQL manual, chapter 8.1.3 "Floating-Point Types"; chapter 8.2 "Monetary Types".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Column, Table
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.chain import chain, plain, type_of, words
from pgassay.rules.schema.columns import retyped, tables
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_MONEY = {"amount", "total", "subtotal", "price", "cost", "fee", "fees", "tax", "discount", "balance", "salary", "paid",
          "payment", "refund", "deposit", "due", "credit", "debit"}  # fmt: skip
_NO_MONEY = {"percent", "pct", "percentage", "rate", "ratio", "count", "score", "weight", "factor", "hours", "days",
             "bps", "probability", "average", "avg", "change", "volatility"}  # fmt: skip
_TABLES = set(
    "payment payments invoice invoices order orders account accounts refund refunds payout payouts ledger billing"
    " charge charges salary salaries settlement settlements subscription subscriptions withdrawal withdrawals deposit"
    " deposits".split()
)


def survey(state: State) -> Iterator[Finding]:
    """Report money whose sums are off."""
    about = chain(state.catalog)
    for table in tables(state):
        for column in table.columns:
            if column.generated or column.element or not type_of(state.catalog, column).float:
                continue
            if about.amount(table, column) or not _money(table, column):
                continue
            total = _total(state, table, column)
            if total is not None and float(total) == 1:
                continue
            yield state.finding(
                VERDICT,
                f"sums of {table.name}.{column.name} are off: it keeps money as {column.type}",
                subject=(table.name, column.name),
                certainty=Certainty.PROVED if total else Certainty.COMPUTED,
                evidence=[Evidence(kind="rows", text=f"ten times 0.1 add up to {total}")] if total else (),
                remedy=retyped(state, table, column, "numeric", f"{quote(column.name)}::numeric"),
            )


def _money(table: Table, column: Column) -> bool:
    parts = set(words(column.name))
    if not parts & _MONEY or parts & _NO_MONEY:
        return False
    beside = any(plain(c.name) in {"currency", "currency_code", "iso_currency"} for c in table.columns)
    return beside or bool(set(words(table.name.name)) & _TABLES)


def _total(state: State, table: Table, column: Column) -> str | None:
    """Ten times 0.1, added up in a column of this type."""
    from pgassay.server import StatementError

    try:
        with state.trying() as bench:
            if bench is None:
                return None
            name = quote(column.name)
            bench.run(
                f"CREATE TEMPORARY TABLE pgassay_trial AS SELECT {name} FROM {table.name} LIMIT 0;"
                "INSERT INTO pg_temp.pgassay_trial SELECT 0.1 FROM generate_series(1, 10)"
            )
            return bench.value(f"SELECT sum({name})::text FROM pg_temp.pgassay_trial")
    except StatementError:
        return None
