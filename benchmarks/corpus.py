"""Migrations to measure with: written by a generator, deterministic by seed."""

from __future__ import annotations

import random
from pathlib import Path

_TYPES = ("text", "integer", "bigint", "numeric(78,0)", "timestamptz", "boolean", "varchar(42)", "jsonb", "uuid")


def folder(where: Path, files: int, seed: int = 1) -> Path:
    """A folder of numbered migrations, about 1.1 KB each: tables, columns, indexes, constraints, drops and updates."""
    dice = random.Random(seed)
    where.mkdir(parents=True, exist_ok=True)
    tables: list[str] = []
    for number in range(files):
        statements = [_create(dice, f"table_{number}")]
        tables.append(f"table_{number}")
        statements += [_change(dice, dice.choice(tables), number, n) for n in range(dice.randint(3, 9))]
        (where / f"{number:05}_change.sql").write_text(";\n\n".join(statements) + ";\n", encoding="utf-8")
    return where


def _create(dice: random.Random, table: str) -> str:
    columns = [
        f"    column_{n} {dice.choice(_TYPES)}{dice.choice(('', ' NOT NULL'))}" for n in range(dice.randint(4, 12))
    ]
    return f"CREATE TABLE {table} (\n    id bigint PRIMARY KEY,\n" + ",\n".join(columns) + "\n)"


def _change(dice: random.Random, table: str, number: int, n: int) -> str:
    name = f"{number}_{n}"
    return dice.choice(
        (
            f"ALTER TABLE {table} ADD COLUMN added_{name} {dice.choice(_TYPES)} NOT NULL",
            f"ALTER TABLE {table} ADD COLUMN added_{name} {dice.choice(_TYPES)}",
            f"CREATE INDEX index_{name} ON {table} (column_{dice.randint(0, 3)})",
            f"CREATE UNIQUE INDEX CONCURRENTLY index_{name} ON {table} (id, column_{dice.randint(0, 3)})",
            f"ALTER TABLE {table} ALTER COLUMN column_{dice.randint(0, 3)} SET NOT NULL",
            f"ALTER TABLE {table} ALTER COLUMN column_{dice.randint(0, 3)} TYPE text",
            f"ALTER TABLE {table} ADD CONSTRAINT check_{name} CHECK (id > {dice.randint(0, 9)})",
            f"ALTER TABLE {table} DROP COLUMN column_{dice.randint(0, 3)}",
            f"UPDATE {table} SET id = id WHERE id < {dice.randint(1, 1000)}",
            f"COMMENT ON TABLE {table} IS 'changed by {name}'",
        )
    )
