"""A copy as one SQL script that psql restores: tables, rows as COPY, then keys, indexes and triggers."""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from pgassay.catalog import Catalog, Table
from pgassay.errors import DiskFull, InputError
from pgassay.model import Name
from pgassay.model.actions import AddConstraint
from pgassay.server import Connection, StatementError
from pgassay.twin.copy import Progress, columns_of, rows_of
from pgassay.twin.insert import sequences
from pgassay.twin.stage import Parts

_FULL = (28, 122)  # ENOSPC, EDQUOT


def write_copy(
    path: Path,
    parts: Parts,
    source: Connection,
    catalog: Catalog,
    tables: Iterable[Table],
    failed: Mapping[Name, str],
    progress: Progress = lambda _: None,
) -> tuple[dict[Name, int], list[str]]:
    """Write the script in one step, rows streamed from ``source``; gzip'd where the name ends in ``.gz``.

    Returns the rows a table, and in words what was left out. Only its owner may read the file. Raises InputError,
    DiskFull, ConnectionLost.
    """
    rows: dict[Name, int] = {}
    lost = dict(failed)
    listed = [t for t in tables if t.name not in lost]
    with _written(path) as file:
        _say(file, "-- Restore with: psql --set=ON_ERROR_STOP=1 --single-transaction --file=THIS DATABASE")
        for statement in parts.sooner:
            _say(file, f"{statement.text};")
        for table in listed:
            progress(f"writing {table.name}")
            query = f"SELECT {columns_of(table)} FROM {rows_of(table)}"
            _say(file, f"\nCOPY {table.name} ({columns_of(table)}) FROM stdin;")
            try:
                rows[table.name] = source.copy_out(f"COPY ({query}) TO STDOUT", file)
            except StatementError as error:
                lost[table.name] = error.report.message
            _say(file, "\\.\n")
        for text in sequences(catalog, [t for t in listed if t.name not in lost]):
            _say(file, f"{text};")
        for statement in parts.later:
            missing = [a.constraint.references for a in statement.of(AddConstraint) if a.constraint.references in lost]
            text = f"{statement.text};"
            if missing:
                text = f"-- Left out, as {missing[0]} was not copied:\n" + "\n".join(
                    f"-- {x}" for x in text.split("\n")
                )
            _say(file, text)
        for view in (v for v in catalog.views if v.materialized):
            _say(file, f"REFRESH MATERIALIZED VIEW {view.name};")
        _say(file, "ANALYZE;")
    return rows, [f"{name} was not copied: {why}" for name, why in lost.items() if name not in failed]


def _say(file: IO[bytes], text: str) -> None:
    file.write(text.encode() + b"\n")


@contextlib.contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all."""
    target = path.resolve()
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
    try:
        try:
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as raw:
                if target.suffix == ".gz":
                    with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=4, mtime=0, filename="") as packed:
                        yield cast(IO[bytes], packed)
                else:
                    yield raw
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(f"{path} could not be written") from error
        raise InputError(f"cannot be written: {error.strerror or error}", path=str(path)) from error
