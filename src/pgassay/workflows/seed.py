"""``pgassay seed``: made-up rows for a database, or as files to load."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pgassay.catalog import Catalog, Column, Table, read
from pgassay.errors import InputError, UsageError
from pgassay.model import Name, literal, quote
from pgassay.server import Connection, StatementError
from pgassay.twin import Fill
from pgassay.twin.insert import sequences
from pgassay.twin.order import groups
from pgassay.twin.targets import targets_of
from pgassay.workflows.seed_chain import chains_known, filled_already, first_of_all, not_loaded, seed_rows

_SHOWN = 5


def seed_database(
    connection: Connection,
    *,
    rows: int | Mapping[Name, int] = 1000,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
    beside: bool = False,
) -> Fill:
    """Fill every table of a database in one transaction: all of it happens, or nothing.

    Tables that hold rows already are refused; with ``beside`` they are left as they are, and the empty tables are
    filled, referring to the rows that are there. Raises UsageError, ConnectionLost.
    """
    catalog = read(connection)
    allowed = filled_already(catalog)
    names = [name for name in targets_of(catalog, None) if name not in allowed]
    held = [name for name in names if _holds_rows(connection, name)]
    if held and not beside:
        shown = ", ".join(map(str, held[:_SHOWN])) + (f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else "")
        raise UsageError(f"these tables hold rows already: {shown}", hint="Seeding is for empty tables.")
    connection.run("BEGIN")
    try:
        empty = [name for name in names if name not in held]
        result = seed_rows(connection, catalog, rows=rows, seed=seed, tables=empty, progress=progress)
        connection.run("COMMIT")
    except StatementError as error:
        raise UsageError(f"the rows were not kept: {error.report}") from error
    finally:
        if connection.transaction != "idle":
            connection.run("ROLLBACK")
    return result


def _holds_rows(connection: Connection, name: Name) -> bool:
    try:
        return connection.value(f"SELECT EXISTS (SELECT FROM {name})") == "t"
    except StatementError as error:
        raise UsageError(f"{name} cannot be read: {error.report}") from error


def seed_files(connection: Connection, out: Path, *, catalog: Catalog | None = None) -> list[Path]:
    """Write a filled database's rows as one COPY text file a table, and ``load.sql``, a psql script that loads them.

    ``connection`` is to a database whose tables we filled (a scratch one); nothing in it changes. The folder is made
    where it is missing and must not hold a ``load.sql`` yet. Returns the files written. Raises InputError.
    """
    catalog = catalog or read(connection)
    script = out / "load.sql"
    if script.exists():
        raise InputError("it holds a load.sql already", path=str(out))
    left_out, first = not_loaded(catalog), first_of_all(catalog)
    targets = {name: target for name, target in targets_of(catalog, None).items() if name not in left_out}
    ordered = groups(targets)
    if first:
        ordered.sort(key=lambda group: min(first.index(t.name) if t.name in first else len(first) for t in group))
    files = _file_names([target.name for group in ordered for target in group])
    try:
        out.mkdir(parents=True, exist_ok=True)
        with connection.rolled_back():
            for table in catalog.tables:
                if table.force_row_security:
                    connection.run(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
            for name, file in files.items():
                columns = ", ".join(quote(c.name) for c in _columns(targets[name].table))
                with (out / file).open("wb") as target:
                    connection.copy_out(f"COPY (SELECT {columns} FROM {_only(targets[name].table)}) TO STDOUT", target)
        chains = chains_known(connection, catalog)
        tables = [[t.table for t in group] for group in ordered]
        script.write_text(_script(catalog, tables, files, chains), encoding="utf-8")
    except OSError as error:
        raise InputError(error.strerror or str(error), path=str(error.filename or out)) from error
    return [*(out / file for file in files.values()), script]


def _columns(table: Table) -> list[Column]:
    return [column for column in table.columns if column.generated is None]


def _only(table: Table) -> str:
    return str(table.name) if table.kind == "partitioned table" else f"ONLY {table.name}"


def _file_names(names: list[Name]) -> dict[Name, str]:
    files: dict[Name, str] = {}
    for name in names:
        plain = re.sub(r"[^\w.-]", "_", f"{name.schema}.{name.name}")
        taken = set(files.values())
        numbered = (f"{plain}{'' if n == 0 else f'-{n}'}.copy" for n in range(len(names) + 1))
        files[name] = next(file for file in numbered if file not in taken)
    return files


def _script(catalog: Catalog, ordered: list[list[Table]], files: Mapping[Name, str], chains: Sequence[str] = ()) -> str:
    """Parents first; in a circle the foreign keys wait for the end of the transaction while it is loaded."""
    lines = [
        "-- Load with psql, from this folder: psql --set=ON_ERROR_STOP=1 --file=load.sql DATABASE",
        "BEGIN;",
        *chains,
    ]
    after: list[str] = []
    for group in ordered:
        inside = {table.name for table in group}
        for table in group:
            for link in table.foreign_keys if len(group) > 1 else ():
                if link.references in inside and not link.deferrable:
                    change = f"ALTER TABLE {table.name} ALTER CONSTRAINT {quote(link.name)}"
                    lines.append(f"{change} DEFERRABLE INITIALLY DEFERRED;")
                    after.append(f"{change} NOT DEFERRABLE;")
    for table in catalog.tables:
        if table.force_row_security and table.partition_of is None:  # triggers write, too
            lines.append(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY;")
            after.append(f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY;")
    for table in (table for group in ordered for table in group):
        columns = ", ".join(quote(column.name) for column in _columns(table))
        lines.append(f"\\copy {table.name} ({columns}) FROM {literal(files[table.name])}")
    tables = [table for group in ordered for table in group]
    lines += [f"{statement};" for statement in sequences(catalog, tables)]
    lines += ["SET CONSTRAINTS ALL IMMEDIATE;", *after, "COMMIT;", "ANALYZE;", ""]
    return "\n".join(lines)
