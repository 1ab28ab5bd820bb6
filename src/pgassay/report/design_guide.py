"""``docs/schema.md``: how to apply, fill and read a designed schema, with its own names."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.chain.model import Design, DesignedTable
from pgassay.model import Name, quote


def guide_page(design: Design) -> str:
    """The page that a reader of the output begins with."""
    sections = (_what, _apply, _fill, _read, _tenants, _partitions, _more)
    return "\n\n".join(["# The schema", *("\n".join(s(design)).strip() for s in sections if list(s(design)))]) + "\n"


def _name(design: Design, bare: str) -> str:
    schema = design.settings.schema
    return quote(bare) if schema == "public" else str(Name(schema, bare))


def _event(design: Design) -> DesignedTable | None:
    """The table that examples are told with: ERC-20's transfers where there are any."""
    events = [t for t in design.tables if t.role == "event"]
    return next((t for t in events if t.source.startswith("event Transfer(")), events[0] if events else None)


def _what(design: Design) -> Iterator[str]:
    numbers: dict[str, int] = {}
    for table in design.tables:
        numbers[table.role] = numbers.get(table.role, 0) + 1
    told = {
        "registry": "registry of tokens", "chain": "of the chain itself", "dictionary": "dictionaries",
        "event": "of events, one for each signature", "rollup": "of sums and states, kept by triggers",
        "compliance": "of compliance, kept by triggers", "entity": "of the subgraph's entities",
        "tenancy": "of tenants",
    }  # fmt: skip
    yield f"Layout `{design.settings.layout}`, tenancy `{design.settings.tenancy}`, {len(design.tables)} tables:"
    yield ""
    yield from (f"- {number} {told[role]}" for role, number in numbers.items())
    yield ""
    yield "What each table, column and index is for stands in its comment, and in [the dictionary](dictionary.md)."


def _apply(design: Design) -> Iterator[str]:
    yield "## Apply it"
    yield ""
    yield "`migrations/` is plain SQL in dbmate's layout, with a way back in each file:"
    yield ""
    yield "    dbmate --migrations-dir migrations --no-dump-schema up"
    yield ""
    yield "With any other tool run what stands between `migrate:up` and `migrate:down`, in the order of the names."
    if design.settings.tenancy != "none":
        yield ""
        roles = (design.settings.owner_role, design.settings.writer_role, design.settings.reader_role)
        yield f"Who migrates needs CREATEROLE, or the roles {', '.join(f'`{r}`' for r in roles)} beforehand and"
        yield "membership in the first, which becomes the tables' owner."


def _fill(design: Design) -> Iterator[str]:
    event = _event(design)
    if event is None:
        return
    table, blocks, transactions = (_name(design, n) for n in (event.name, "blocks", "transactions"))
    yield "## Fill it"
    yield ""
    yield "A block, then its transactions, then its events, in one transaction: the block makes its events' partitions."
    yield ""
    yield "    BEGIN;"
    if design.settings.tenancy != "none":
        setting, _ = _setting(design)
        yield f"    SET LOCAL {setting} = '…';"
    if design.settings.layout == "plain":
        yield f"    INSERT INTO {blocks} (number, time, chain_id, hash, parent_hash) VALUES (…);"
        yield f"    INSERT INTO {transactions} (block_number, chain_id, transaction_index, hash, sender, …) VALUES (…);"
        yield f"    INSERT INTO {table} (block_number, block_time, chain_id, log_index, contract_address, …)"
        yield "    VALUES (…), (…);"
    else:
        yield f"    SELECT {_name(design, 'chain_number')}(1);  -- the chain's number here: keep it"
        contract = "contract_address"
        if design.settings.layout == "compact":
            contract = "contract_id"
            yield f"    SELECT {_name(design, 'address_number')}(chain_no, '\\x…');  -- an address's number: keep it"
        yield f"    INSERT INTO {blocks} (number, time, chain_no, hash, parent_hash) VALUES (…);"
        yield f"    INSERT INTO {transactions} (block_number, chain_no, transaction_index, hash, sender, …) VALUES (…);"
        identity = f"{_name(design, 'event_id')}(chain_no, block_number, log_index)"
        yield f"    INSERT INTO {table} (event_id, transaction_index, {contract}, …)"
        yield f"    VALUES ({identity}, …), (…);"
    yield "    COMMIT;"
    yield ""
    chain = "chain_id" if design.settings.layout == "plain" else "chain_no"
    revert = f"SELECT {_name(design, 'revert_chain')}({chain}, first_wrong_block)"
    yield f"After a reorganisation `{revert}`: sums and states are as they were before."
    yield "Made-up rows for trying it: `pgassay seed --database URL --rows 100000`."


def _read(design: Design) -> Iterator[str]:
    yield "## Read it"
    yield ""
    yield f"{len(design.listings)} listings page by keys, forward and back: page 100,000 costs what page 1 costs."
    yield ""
    yield "- SQL with names: `queries/queries.sql`"
    yield "- TypeScript: `drizzle/queries.ts` over `drizzle/index.ts`; `drizzle.config.ts` is for `drizzle-kit`"
    yield "- Python: `sqlalchemy/queries` over `sqlalchemy/models.py`"
    yield ""
    yield "Each with [its plan](plans.md) at the number of rows asked for."


def _setting(design: Design) -> tuple[str, str]:
    return ("app.user_id", "user") if design.settings.tenancy == "owner" else ("app.tenant_id", "tenant")


def _tenants(design: Design) -> Iterator[str]:
    settings = design.settings
    if settings.tenancy == "none":
        return
    setting, whose = _setting(design)
    yield "## Whose rows are whose"
    yield ""
    yield f"Row security is forced on every table that has a {whose}'s rows. The application's roles get one of two:"
    yield ""
    yield f"    GRANT {quote(settings.writer_role)} TO indexer;"
    yield f"    GRANT {quote(settings.reader_role)} TO api;"
    yield ""
    yield f"and says in each transaction who it is: `SET LOCAL {setting} = '…'`. Without that there are no rows."
    yield "`pgassay secure migrations` tries to get at another's rows in every way there is."


def _partitions(design: Design) -> Iterator[str]:
    settings = design.settings
    if settings.partition == "none" or _event(design) is None:
        return
    unit = "blocks" if settings.partition == "block" else "days"
    yield "## Partitions"
    yield ""
    ahead = settings.partitions_ahead
    yield f"Event tables are cut every {settings.partition_size:,} {unit}. Blocks make theirs, and {ahead} ahead."
    if settings.retention:
        yield ""
        yield from (f"- `{r.table}` is kept for {r.days:,} days" for r in settings.retention)
        yield ""
        yield f"Run `SELECT * FROM {_name(design, 'maintain_partitions')}()` daily; what it will drop tells"
        yield f"`SELECT * FROM {_name(design, 'expired_partitions')}()`."
    else:
        yield "None goes by itself: `[design.retention]` in `pgassay.toml` says what may."
    yield "A partition that gets no more rows is worth one `REINDEX TABLE CONCURRENTLY`: see [storage](storage.md)."


def _more(design: Design) -> Iterator[str]:
    yield "## More"
    yield ""
    yield "[Dictionary](dictionary.md) · [diagram](diagram.md) ([SVG](diagram.svg)) · [storage](storage.md) ·"
    yield "[plans](plans.md)"
    notes = [note for note in design.notes if not note.startswith("retention")]
    if notes:
        yield ""
        yield from (f"- {note}" for note in notes)
