"""What ``pgassay design`` is asked for: flags over ``pgassay.toml``, contracts, presets and a subgraph, read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from pgassay.chain.abi import read_contracts
from pgassay.chain.model import Contract, Layout, Settings, Tenancy
from pgassay.chain.names import LIMIT
from pgassay.chain.presets import presets as contracts_of
from pgassay.chain.settings import FILE, read_settings
from pgassay.chain.subgraph import read_subgraph
from pgassay.errors import InputError, UsageError
from pgassay.workflows.design import Wanted


def wanted(
    *,
    inputs: Sequence[str],
    out: Path,
    ask: Callable[[Sequence[str]], bool],
    events: int = 10_000_000,
    subgraph: str | None = None,
    presets: Sequence[str] = (),
    layout: str | None = None,
    tenancy: str | None = None,
    chains: Sequence[int] = (),
    schema: str | None = None,
    config: Path | None = None,
    postgres_version: int | None = None,
    postgres_bin: str | None = None,
) -> Wanted:
    """Read it all. Flags win over the file; paths in the file are relative to it. Raises UsageError, InputError."""
    found = config or (Path(FILE) if Path(FILE).is_file() else None)
    settings = read_settings(found) if found is not None else Settings()
    base = found.parent if found is not None else Path()
    flags: dict[str, object] = {"schema": schema, "chains": tuple(chains), "presets": tuple(presets)}
    flags["layout"] = next((choice for choice in get_args(Layout) if choice == layout), None)
    flags["tenancy"] = next((choice for choice in get_args(Tenancy) if choice == tenancy), None)
    chosen = replace(settings, **{k: v for k, v in flags.items() if v})  # type: ignore[arg-type]
    chosen = replace(chosen, wide_chain_id=chosen.wide_chain_id or any(c >= 2**31 for c in chosen.chains))
    if len(chosen.schema.encode()) > LIMIT or chosen.schema.startswith("pg_"):
        raise UsageError(f"--schema {chosen.schema}: a name of at most {LIMIT} bytes that does not begin with pg_")
    notes: list[str] = []
    contracts: list[Contract] = list(contracts_of(chosen.presets))
    for names, where in ((inputs, Path()), (() if inputs else chosen.abi, base)):
        if names:
            read = read_contracts(tuple(names), where)
            contracts += read.contracts
            notes += read.notes
    graph = Path(subgraph) if subgraph else base / chosen.subgraph if chosen.subgraph else None
    if not contracts and graph is None:
        raise UsageError(
            "nothing to design from",
            hint="Name an ABI (a file, a folder, an npm package), --preset erc20, or --subgraph schema.graphql.",
        )
    read_graph = read_subgraph(graph) if graph is not None else None
    if not any(c.events for c in contracts) and not (read_graph and read_graph.entities):
        what = ", ".join(c.path for c in contracts[:3]) or str(graph)
        problem = "no event" if contracts else "no entity"
        raise InputError(
            f"{problem} in it, so there is nothing to make a table of",
            path=what,
            hint="Name the contract that logs the events, --preset erc20, or --subgraph schema.graphql.",
        )
    return Wanted(
        contracts=tuple(contracts),
        subgraph=read_graph,
        settings=chosen,
        out=out,
        events=events,
        ask=ask,
        notes=tuple(notes),
        postgres_version=postgres_version,
        postgres_bin=postgres_bin,
    )
