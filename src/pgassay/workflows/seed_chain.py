"""Rows for a schema that pgassay designed: events that agree with each other; generic rows for what else there is."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from pgassay.catalog import Catalog, read
from pgassay.chain.seeds import Rows, amounts, batches
from pgassay.chain.seeds_schema import Recognised, recognised
from pgassay.model import Name, literal
from pgassay.server import Connection
from pgassay.twin import Fill, fill
from pgassay.twin.fill import Unfilled
from pgassay.twin.targets import targets_of

Progress = Callable[[str], None]
_SOON, _LATER = 5_000, 150_000  # rows after which statistics are taken: triggers look events up


def seed_rows(
    connection: Connection,
    catalog: Catalog,
    *,
    rows: int | Mapping[Name, int],
    seed: int,
    tables: Collection[Name] | None = None,
    progress: Progress | None = None,
) -> Fill:
    """Fill tables (all, or those that are named: the empty ones) with rows, the same for the same seed.

    In a schema that pgassay designed the events of the standards tell one story, and the tables that triggers keep are
    left to them; all other tables get rows that obey their constraints. Works inside the caller's transaction or makes
    its own. Raises StatementError, ConnectionLost.
    """
    show = progress or (lambda _message: None)
    found = recognised(catalog)
    if not found:
        return fill(connection, catalog, rows=rows, seed=seed, tables=tables, progress=progress)
    outside = connection.transaction == "idle"
    if outside:
        connection.run("BEGIN")
    try:
        made: dict[Name, int] = {}
        unfilled: list[Unfilled] = []
        own: set[Name] = set()
        for each in found:
            own |= each.written | each.kept
            held = _held(connection, each)
            if held:
                reason = f"{', '.join(map(str, held[:3]))} holds rows: what is made up now would contradict them"
                empty = sorted(n for n in each.written if n not in held)
                unfilled += [Unfilled(n, None, reason) for n in empty if n.name not in _DICTIONARIES]
                continue
            made |= _story(connection, catalog, each, rows, seed, show)
        catalog = read(connection)  # blocks have made partitions
        rest = [n for n in targets_of(catalog, None) if n not in own and (tables is None or n in tables)]
        other = fill(connection, catalog, rows=rows, seed=seed, tables=rest, progress=progress)
        for each in found:
            made |= {n: _count(connection, n) for n in each.kept}
        if outside:
            connection.run("COMMIT")
        return Fill(rows={**made, **other.rows}, unfilled=(*unfilled, *other.unfilled), spare=other.spare)
    finally:
        if outside and connection.transaction != "idle":
            connection.run("ROLLBACK")


_DICTIONARIES = ("chains", "partition_horizon")  # migrations fill these themselves


def filled_already(catalog: Catalog) -> frozenset[Name]:
    """Tables in which a designed schema has rows from the beginning, or from triggers: they may hold rows."""
    return frozenset(
        name for each in recognised(catalog) for name in each.written | each.kept if name.name in _DICTIONARIES
    )


def not_loaded(catalog: Catalog) -> frozenset[Name]:
    """Tables whose rows follow from others', or are there once a chain is known: nobody loads them."""
    found = recognised(catalog)
    return frozenset(n for each in found for n in (*each.kept, each.shape.name("chains")))


def first_of_all(catalog: Catalog) -> tuple[Name, ...]:
    """What is to be loaded before anything else, in this order: blocks make the partitions of their events."""
    return tuple(each.shape.name(n) for each in recognised(catalog) for n in ("addresses", "blocks"))


def chains_known(connection: Connection, catalog: Catalog) -> list[str]:
    """Statements that make the chains known, with the numbers that they have here."""
    made = []
    for each in recognised(catalog):
        if each.shape.packed:
            chains = each.shape.name("chains")
            ids = connection.run(f"SELECT chain_id FROM {chains} ORDER BY chain_no")
            made += [f"SELECT {each.shape.name('chain_number')}({row[0]}::{each.shape.chain_type});" for row in ids]
    return made


def _held(connection: Connection, found: Recognised) -> list[Name]:
    names = sorted(n for n in found.written if n.name not in _DICTIONARIES)
    return [n for n in names if connection.value(f"SELECT EXISTS (SELECT FROM {n})") == "t"]


def _story(
    connection: Connection,
    catalog: Catalog,
    found: Recognised,
    rows: int | Mapping[Name, int],
    seed: int,
    show: Progress,
) -> dict[Name, int]:
    wanted = {n.name: rows if isinstance(rows, int) else rows.get(n, 0) for n in found.written}
    chain_id, number = _chain(connection, found)
    story = batches(
        found, amounts(found, wanted), seed=seed, chain_id=chain_id, chain_number=number,
        others=max(wanted.values(), default=0),
    )  # fmt: skip
    forced = [t.name for t in catalog.tables if t.force_row_security and t.name in found.written | found.kept]
    for name in forced:  # COPY is refused where row security binds: it is lifted until the end
        connection.run(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
    made: dict[Name, int] = dict.fromkeys(found.written, 0)
    connection.run("SET LOCAL work_mem = '64MB'")  # triggers group what a batch moved
    _load(connection, found, story, made, show)
    if found.shape.packed:
        made[found.shape.name("chains")] = _count(connection, found.shape.name("chains"))
    if found.shape.compact:
        addresses = found.shape.name("addresses")
        connection.run(
            f"SELECT setval(pg_get_serial_sequence({literal(str(addresses))}, 'id'), max(id)) FROM {addresses}"
        )
    connection.run(f"ANALYZE {', '.join(map(str, sorted(found.written | found.kept)))}")
    for name in forced:
        connection.run(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    return made


def _load(
    connection: Connection, found: Recognised, story: Iterable[list[Rows]], made: dict[Name, int], show: Progress
) -> None:
    """The server takes one batch while the next is made up."""
    looked, total = 0, 0
    setting = {"tenant": "app.tenant_id", "owner": "app.user_id"}.get(found.shape.settings.tenancy)

    def send(batch: list[Rows]) -> None:
        nonlocal looked, total
        for each in batch:
            if not each.number:
                continue
            if setting and each.tenant:
                connection.run(f"SET LOCAL {setting} = {literal(each.tenant)}")
            connection.copy_in(each.copy, io.BytesIO(each.data))
            made[each.table] += each.number
            total += each.number
        due = (_SOON, _LATER)[looked : looked + 1]
        if due and total >= due[0]:
            looked += 1 + (total >= _LATER and looked == 0)
            connection.run(f"ANALYZE {', '.join(str(n) for n in sorted(found.written))}")
        show(f"{total:,} rows of the chain")

    with ThreadPoolExecutor(1) as pool:
        sent: Future[None] | None = None
        for batch in story:
            if sent is not None:
                sent.result()
            sent = pool.submit(send, batch)
        if sent is not None:
            sent.result()


def _chain(connection: Connection, found: Recognised) -> tuple[int, int]:
    """The chain of the story: the first that the schema knows, or chain 1."""
    shape = found.shape
    if not shape.packed:
        return 1, 1
    chains = shape.name("chains")
    known = connection.run(f"SELECT chain_id, chain_no FROM {chains} ORDER BY chain_no LIMIT 1")
    if known:
        return int(known[0][0]), int(known[0][1])
    return 1, int(connection.value(f"SELECT {shape.name('chain_number')}(1::{shape.chain_type})") or 1)


def _count(connection: Connection, name: Name) -> int:
    return int(connection.value(f"SELECT count(*) FROM {name}") or 0)


__all__ = ["chains_known", "filled_already", "first_of_all", "not_loaded", "seed_rows"]
