"""``pgassay twin``: export, copy and check; and what ``pgassay explain --twin`` shares with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pgassay.catalog import read, sizes
from pgassay.errors import ConnectionProblem, InputError
from pgassay.model import Name
from pgassay.server import StatementError, closest_binaries, connect_live, scratch
from pgassay.sql.normalise import fill as fill_in
from pgassay.twin.copy import PATIENCE, copy_rows, share_of, tables_of
from pgassay.twin.copy_file import write_copy
from pgassay.twin.export import export
from pgassay.twin.export_file import Export, load, save
from pgassay.twin.fidelity import Fidelity, fidelity
from pgassay.twin.ghost import Ghost
from pgassay.twin.stage import parts_of, stage
from pgassay.twin.synthetic import MOST, column_stats, synthetic
from pgassay.workflows.grounds import SETTINGS
from pgassay.workload import Query, read_workload, settle

Progress = Callable[[str], None]
FORMAT = "pgassay-explain/1"
_FORMS = 4  # sets of parameters of one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export as it was written: how many bytes the file has, and how many the database."""

    path: Path
    bytes: int
    export: Export


def export_twin(url: str, output: Path, *, values: bool, role: str | None = None, progress: Progress) -> Exported:
    """Write what a twin of this database needs. Raises ConnectionProblem, InputError, DiskFull."""
    made = export(url, values=values, role=role, progress=progress)
    return Exported(path=output, bytes=save(made, output), export=made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy as it was written: rows a table, and as production's statistics have it (``known``); what is missing."""

    path: Path
    rows: dict[Name, int]
    known: dict[Name, int | None]
    remarks: tuple[str, ...]


def copy_twin(
    url: str,
    output: Path,
    *,
    share: float | None = None,
    rows: int | None = None,
    seed: int = 1,
    postgres_bin: str | None = None,
    progress: Progress = lambda _: None,
) -> Copy:
    """Write real rows as a script for psql: all that the role may read, a ``share`` (0 to 1) of them, or such a share
    that the largest table keeps about ``rows``. Raises ConnectionProblem, ConnectionLost, InputError, DiskFull.
    """
    facts = export(url, values=False, progress=progress)
    parts = parts_of(facts)
    try:
        with connect_live(url) as live:
            known: dict[Name, int | None] = {name: size.rows for name, size in sizes(live).items()}
            if rows is not None:
                share = share_of(known, rows)
            if share is None or share >= 1:
                with live.snapshot(PATIENCE):
                    catalog = read(live)
                    made, remarks = write_copy(output, parts, live, catalog, tables_of(catalog), {}, progress)
                return Copy(path=output, rows=made, known=known, remarks=tuple(remarks))
            binaries = closest_binaries(facts.server.major, None, Path(postgres_bin) if postgres_bin else None)
            with scratch(binaries) as server:
                database, noted, _ = stage(server, facts)
                with server.connect(database) as session:
                    copied = copy_rows(live, session, share=share, seed=seed, progress=progress)
                    here = {t.name for t in read(session).tables}
                    catalog = read(live)
                    failed = dict.fromkeys(copied.failed, "see above")
                    failed |= {t.name: "it could not be created here" for t in catalog.tables if t.name not in here}
                    made, _ = write_copy(output, parts, session, catalog, tables_of(catalog), failed, progress)
                return Copy(path=output, rows=made, known=known, remarks=(*noted, *copied.remarks))
    except StatementError as error:
        raise ConnectionProblem(f"{url.rpartition('@')[2]}: {error.report}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A synthetic twin held beside the export that it was made after."""

    export: Export
    rows: dict[Name, int]
    fidelity: Fidelity
    remarks: tuple[str, ...]


def check_twin(
    file: Path,
    *,
    workload: Path | None = None,
    rows: int = MOST,
    seed: int = 1,
    postgres_version: int | None = None,
    postgres_bin: str | None = None,
    progress: Progress = lambda _: None,
) -> Checked:
    """Make a synthetic twin of an export and say how close it comes; by the file's own workload, or another one.

    Raises InputError, UsageError, ServerUnavailable, DiskFull.
    """
    twin = load(file)
    told: tuple[Query, ...] = read_workload(workload) if workload else ()
    if not told:
        told = tuple(Query(text=c.query, calls=c.calls, line=n) for n, c in enumerate(twin.workload, 1))
    binaries = closest_binaries(twin.server.major, postgres_version, Path(postgres_bin) if postgres_bin else None)
    with scratch(binaries, settings=SETTINGS) as server:
        made = synthetic(server, twin, most=rows, seed=seed, progress=progress)
        progress("Analysing")
        with server.connect(made.database) as session:
            session.run("VACUUM (ANALYZE)")
            session.notices()
            if twin.search_path:
                session.run("SELECT pg_catalog.set_config('search_path', $1, false)", [twin.search_path])
            progress("Choosing values")
            settled = settle(session, told, column_stats(twin, read(session)))
        texts = [fill_in(q.text, v) for q in settled.queries for v in q.parameters[:_FORMS] or ((),)]
        progress("Comparing estimates")
        found = fidelity(server, twin, made.database, texts)
    skipped = tuple((s.statement, s.reason) for s in settled.skipped)
    return Checked(
        export=twin, rows=made.rows, fidelity=replace(found, skipped=(*skipped, *found.skipped)), remarks=made.remarks
    )  # fmt: skip


def query_text(given: str, standard_input: Callable[[], str]) -> str:
    """The text itself, or that of a ``.sql`` file or (``-``) of standard input."""
    if given == "-":
        return standard_input()
    if given.endswith(".sql") and "\n" not in given:
        try:
            return Path(given).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read: {error}", path=given) from None
    return given


def _remarks(made: Ghost) -> tuple[str, ...]:
    remarks = list(made.remarks)
    if not made.export.values:
        remarks.append("the export has no values: estimates for constants and ranges are PostgreSQL's defaults")
    shown = [f"not made: {each.statement} ({each.reason})" for each in made.unmade[:5]]
    more = len(made.unmade) - len(shown)
    return (*remarks, *shown, *([f"{more} more statements of the schema were not made"] if more > 0 else []))
