"""Made-up rows for event tables, to measure what a row takes: amounts with many digits, few accounts that do most."""

from __future__ import annotations

from pgassay.chain.columns import ColumnSpec
from pgassay.chain.design.events import EventTable, distinct, event_table
from pgassay.chain.design.layout import BLOCK_BITS, CHAIN_BITS, Shape
from pgassay.chain.json_shape import keys
from pgassay.chain.model import AbiType, Design
from pgassay.model import Name, literal, quote

PER_BLOCK = 40  # events of one table in a block
# Few accounts make most of the transfers: a power law, by the fourth power of a uniform number.
_ACCOUNTS = "(power(random(), 3) * 50000)::integer + 1"
_CONTRACTS = "(power(random(), 4) * 200)::integer + 1"

# Six decimals or eighteen, from one unit to a million, most with a fraction.
_AMOUNT = "(10 ^ (random() * 6))::numeric * CASE WHEN n % 3 = 0 THEN 1000000 ELSE 10 ^ 18::numeric END"


def samples(design: Design, rows: int) -> tuple[tuple[Name, str], ...]:
    """For each event table of a design an INSERT of that many rows."""
    shape = Shape(design.settings)
    names = {t.source: t.name for t in design.tables if t.role == "event"}
    return tuple(
        (shape.name(names[key]), insert(shape, event_table(shape, names[key], event, logged), rows))
        for key, (event, logged) in distinct(design.contracts).items()
    )


def insert(shape: Shape, event: EventTable, rows: int) -> str:
    """An INSERT of that many rows in the order of the chain, within the table's first partition."""
    values = {f.name: _placed(shape, f.name) for f in event.table.fields}
    values |= {s.name: _value(shape, s) for s in event.specs}
    if shape.tenant is not None:
        values[shape.tenant] = "'00000000-0000-4000-8000-000000000001'::uuid"
    columns = ", ".join(map(quote, values))
    chosen = ", ".join(values.values())
    return (
        f"INSERT INTO {event.table.name} ({columns}) SELECT {chosen} FROM generate_series(0, {rows - 1}) n ORDER BY n"
    )


def _placed(shape: Shape, name: str) -> str:
    block, log = f"(n / {PER_BLOCK})", f"(n % {PER_BLOCK} * 3)"
    match name:
        case "event_id":
            return f"(1::bigint << {CHAIN_BITS}) + ({block}::bigint << {BLOCK_BITS}) + {log}"
        case "block_number":
            return block
        case "block_time":
            return f"timestamptz '2026-01-05 00:00+00' + {block} * interval '12 seconds'"
        case "chain_id":
            return "1"
        case "transaction_index":
            return f"n % {PER_BLOCK} / 2"
        case "transaction_hash":
            return "sha256((n / 2)::text::bytea)"
        case "log_index":
            return log
        case _:
            return _address(shape, _CONTRACTS, "c")


def _address(shape: Shape, number: str, kind: str) -> str:
    if shape.compact:
        return number
    hashed = f"sha256(('{kind}' || ({number}))::bytea)"
    return f"substr({hashed}, 1, 20)" if shape.packed else f"'0x' || substr(encode({hashed}, 'hex'), 1, 40)"


def _value(shape: Shape, spec: ColumnSpec) -> str:
    assert spec.leaf is not None
    of = spec.leaf.type
    match spec.leaf.form:
        case "hash":
            return "sha256(random()::text::bytea)"
        case "raw text" | "raw text array":
            return "NULL"
        case "array" | "text array":
            assert of.element is not None
            items = ", ".join([_scalar(shape, of.element, spec)] * (2 if of.length is None else of.length))
            return f"ARRAY[{items}]::{spec.type}"
        case "json":
            return f"{literal(_json(of))}::jsonb"
        case _:
            return _scalar(shape, of, spec)


def _scalar(shape: Shape, of: AbiType, spec: ColumnSpec) -> str:
    size = of.size or 0
    match of.kind:
        case "uint" | "int" if size > 64:
            limit = 2 ** (size - 1) - 1
            return f"least(trunc({_AMOUNT}), {limit})"
        case "uint" | "int":
            return f"(random() * {min(2 ** (size - 1) - 1, 2**31 - 1)})::bigint"
        case "bool":
            return "random() < 0.5"
        case "address":
            if spec.leaf is not None and spec.leaf.form != "address id" and shape.compact:
                return f"substr(sha256(({_ACCOUNTS})::text::bytea), 1, 20)"
            return _address(shape, _ACCOUNTS, "a")
        case "fixed bytes":
            return f"substr(sha256(random()::text::bytea), 1, {size})"
        case "function":
            return "substr(sha256(random()::text::bytea), 1, 24)"
        case "bytes":
            return "sha256(random()::text::bytea)"
        case "string":
            return "'https://example.org/' || n"
        case _:
            return "0"


def _json(of: AbiType) -> str:
    """A value as the jsonb column of such a type wants it."""
    match of.kind:
        case "tuple":
            names = keys(of)
            parts = [_json(c.type) for c in of.components]
            if names is None:
                return f"[{', '.join(parts)}]"
            return "{" + ", ".join(f'"{k}": {v}' for k, v in zip(names, parts, strict=True)) + "}"
        case "array":
            assert of.element is not None
            return f"[{', '.join([_json(of.element)] * (2 if of.length is None else of.length))}]"
        case "bool":
            return "true"
        case "string":
            return '"made up"'
        case "address":
            return '"0x' + "ab" * 20 + '"'
        case "fixed bytes" | "function":
            return '"0x' + "ab" * (of.size or 24) + '"'
        case "bytes":
            return '"0xabcd"'
        case _:
            return '"0"'
