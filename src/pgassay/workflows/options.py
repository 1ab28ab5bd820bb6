"""What a user may ask of a review."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    """The options of ``pgassay review``.

    ``rows``: synthetic rows a table. ``table_rows``: production's row counts by table name, where the user knows them.
    ``assume_rows``: production's row count for time estimates of every other table. ``statement_timeout``: seconds.
    ``text``: the migration itself, where it came on standard input. ``draft``: one that is in no
    file yet, on top of the project's. ``traffic``: run it once more under load.
    """

    history: bool = False
    base: str | None = None
    database: str | None = None
    kind: str | None = None
    allow_code: bool = False
    static: bool = False
    rows: int = 1000
    table_rows: dict[str, int] = field(default_factory=dict)
    assume_rows: int = 1_000_000
    workload: str | None = None
    statement_timeout: float = 60.0
    seed: int = 1
    postgres_version: int | None = None
    postgres_bin: str | None = None
    text: str | None = None
    draft: str | None = None
    traffic: bool = False
