"""``pgassay tune --prove-here``: the recommended indexes built in the database itself, measured there, and dropped.

Builds are CONCURRENTLY and under names that begin with PREFIX. Queries run as EXPLAIN (ANALYZE, BUFFERS) in READ ONLY
transactions that are rolled back, under the guards of every live connection. Whatever ends the run, the indexes are
dropped: what a ``kill -9`` leaves behind, the next run drops before it begins.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pgassay.advisor import Advice
from pgassay.advisor.ground import buffers, cost, indexes_used
from pgassay.advisor.model import Change, Measure, Query, Recommendation, Refused
from pgassay.advisor.proof import slower
from pgassay.errors import ConnectionProblem, PgassayError
from pgassay.model import Certainty, Name, quote
from pgassay.report.words import count
from pgassay.server import Connection, ConnectionLost, StatementError
from pgassay.server.explaining import ExplainingConnection, explaining
from pgassay.server.live import connect_writing
from pgassay.workflows.tune_ground import Progress

PREFIX = "pgassay_try_"
_LOCK = 0x7067_6173  # of the advisory lock: one such run a database
_TIMES = 3
_SLOW = 2_000.0  # milliseconds, above which one run must do
_BUILD = "30min"  # statement_timeout of a build
_MARK = "pgassay tune --prove-here: to be dropped"
_ANALYZE = "ANALYZE, BUFFERS, TIMING OFF"
_LEFT = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'i' AND pg_catalog.starts_with(c.relname::text, $1)
  AND pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class _Here:
    """A recommendation and the index that stands for it here."""

    recommendation: Recommendation
    index: Name
    bytes: int
    ms: float


def prove_here(url: str, advice: Advice, *, keep_slower: bool, progress: Progress) -> Advice:
    """The advice as it was measured in the database: what slows a query there, or what no query uses, is refused.

    Raises ConnectionProblem where the role may not build there, or where such a run is under way already.
    """
    wanted = [r for r in advice.recommendations if r.kind == "create index"]
    if not wanted:
        return replace(advice, notes=(*advice.notes, "--prove-here: there is no index to build"))
    with explaining(url) as reader, _Builder(url, progress) as builder:
        queries = {q.number: q for q in advice.queries}
        cases = [(c, queries[c.query]) for c in advice.changes if not queries[c.query].writes]
        progress("measuring here, as it is")
        before = [_measured(reader, q, c) for c, q in cases]
        made, notes = builder.build(wanted)
        if not made:
            return replace(advice, notes=(*advice.notes, *notes))
        # What is not here cannot be judged here: its queries keep the figures of the copy.
        built = {m.recommendation.name for m in made}
        elsewhere = {n for r in wanted if r.name not in built for n, _ in r.queries}
        progress("measuring here, with the indexes")
        after = [_measured(reader, q, c) for c, q in cases]
        found = {
            (c.query, c.form): _changed(c, b, a, made)
            for (c, _), b, a in zip(cases, before, after, strict=True)
            if b is not None and a is not None and c.query not in elsewhere
        }
        heap, rows = _heap(reader)
    changes = tuple(found.get((c.query, c.form), c) for c in advice.changes)
    kept, refused = _judged(advice, made, changes, keep_slower=keep_slower)
    return replace(
        advice,
        ground="live",
        rows=rows,
        heap_bytes=heap,
        changes=changes,
        recommendations=kept,
        refused=(*refused, *advice.refused),
        notes=(*advice.notes, *notes),
    )


def _judged(
    advice: Advice, made: Sequence[_Here], changes: Sequence[Change], *, keep_slower: bool
) -> tuple[tuple[Recommendation, ...], list[Refused]]:
    here = {m.recommendation.name: m for m in made}
    kept: list[Recommendation] = []
    refused: list[Refused] = []
    for each in advice.recommendations:
        if each.name not in here:
            kept.append(each)
            continue
        served = [c for c in changes if each.name in c.used]
        slowed = next((c for c in served if slower(c)), None)
        if not served:
            refused.append(Refused(sql=each.sql, reason="measured in the database, no query uses it"))
        elif slowed is not None and not keep_slower:
            refused.append(Refused(sql=each.sql, reason=f"measured in the database, it slows query {slowed.query}"))
        else:
            gains: dict[int, float] = {}
            for change in served:
                gains[change.query] = max(gains.get(change.query, 0.0), change.gain)
            one = here[each.name]
            kept.append(
                replace(
                    each,
                    certainty=Certainty.PROVED,
                    bytes=one.bytes,
                    build_ms=one.ms,
                    queries=tuple(sorted(gains.items())),
                )
            )
    return tuple(kept), refused


def _changed(change: Change, before: tuple[Measure, Any], after: tuple[Measure, Any], made: Sequence[_Here]) -> Change:
    names = {m.index.name: m.recommendation.name for m in made}
    return replace(
        change,
        before=before[0],
        after=after[0],
        cost_before=cost(before[1]),
        cost_after=cost(after[1]),
        used=tuple(sorted(names[n] for n in indexes_used(after[1]) if n in names)),
        plan_before=before[1],
        plan_after=_renamed(after[1], names),
    )


def _renamed(plan: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The plan with the names that the indexes will have."""
    made = dict(plan)
    if (name := made.get("Index Name")) in names:
        made["Index Name"] = names[name]
    if "Plans" in made:
        made["Plans"] = [_renamed(p, names) for p in made["Plans"]]
    return made


def _measured(reader: ExplainingConnection, query: Query, change: Change) -> tuple[Measure, dict[str, Any]] | None:
    """The best of several runs; None where the server refuses or takes too long."""
    sql = query.forms[change.form] if change.form < len(query.forms) else query.text
    best: tuple[Measure, dict[str, Any]] | None = None
    for _ in range(_TIMES):
        try:
            (found,) = reader.explain(sql, _ANALYZE)
        except StatementError:
            return None
        ms = float(found["Execution Time"]) + float(found["Planning Time"])
        one = Measure(cpu_ms=ms, buffers=buffers(found["Plan"]), rows=int(found["Plan"].get("Actual Rows", 0)))
        if best is None or one.work < best[0].work:
            best = one, found["Plan"]
        if ms > _SLOW:
            break
    return best


def _heap(reader: ExplainingConnection) -> tuple[int, dict[str, int]]:
    found = reader.run(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), greatest(c.reltuples, 0)::bigint,"
        " pg_catalog.pg_relation_size(c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm')"
        " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1"
    )
    return sum(int(size or 0) for _, _, size in found), {name: int(rows) for name, rows, _ in found}


class _Builder:
    """A session that builds, and the promise that nothing of it stays."""

    def __init__(self, url: str, progress: Progress) -> None:
        self.url, self.say = url, progress
        self.token = secrets.token_hex(3)
        self.names: list[Name] = []
        self.session = connect_writing(url)

    def __enter__(self) -> _Builder:
        try:
            if self.session.value("SELECT pg_catalog.pg_is_in_recovery()") == "t":
                raise ConnectionProblem("it is a standby, where no index can be built")
            if self.session.value("SELECT pg_catalog.pg_try_advisory_lock($1)", [_LOCK]) != "t":
                raise ConnectionProblem("another --prove-here runs there already", hint="Wait until it has ended.")
            for schema, name in self.session.run(_LEFT, [PREFIX]):
                self.say(f"dropping {name}, which an earlier run left")
                self.session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {Name(schema, name)}")
        except StatementError as error:
            self.session.close()
            raise ConnectionProblem(str(error.report)) from None
        except BaseException:
            self.session.close()
            raise
        return self

    def build(self, wanted: Sequence[Recommendation]) -> tuple[list[_Here], list[str]]:
        """The indexes, and remarks on what could not be built."""
        made: list[_Here] = []
        notes: list[str] = []
        self.session.run("SELECT pg_catalog.set_config('statement_timeout', $1, false)", [_BUILD])
        for number, each in enumerate(wanted, 1):
            self.say(f"building {each.name} here ({number} of {len(wanted)})")
            try:
                made.append(self._one(number, each))
            except _NotHere as error:
                notes.append(f"{each.name} was not built in the database: {error}")
            except StatementError as error:
                notes.append(f"{each.name} was not built in the database: {error.report}")
        if made:
            noted = f"{count(len(made), 'index', 'indexes')} built there under names of our own, and dropped again"
            notes.insert(0, f"measured in the database itself, by the server's clock; {noted}")
        return made, notes

    def _one(self, number: int, each: Recommendation) -> _Here:
        head, named, rest = each.sql.partition(f" INDEX CONCURRENTLY {quote(each.name)} ")
        if not named:
            raise _NotHere("a partitioned table's cannot be built CONCURRENTLY")
        if each.before:
            raise _NotHere(
                f"it needs {each.before[0].removeprefix('CREATE EXTENSION IF NOT EXISTS ')}, which is not there"
            )
        index = Name(each.table.schema, f"{PREFIX}{self.token}_{number}")
        began = time.monotonic()
        self.names.append(index)
        self.session.run(f"{head} INDEX CONCURRENTLY {quote(index.name)} {rest}")
        ms = (time.monotonic() - began) * 1_000
        with contextlib.suppress(StatementError):
            self.session.run(f"COMMENT ON INDEX {index} IS '{_MARK}'")
        self._analyse(each)
        size = self.session.value("SELECT pg_catalog.pg_relation_size($1::regclass)", [str(index)])
        return _Here(each, index, int(size or 0), ms)

    def _analyse(self, each: Recommendation) -> None:
        """An index on expressions is planned well only with statistics of theirs."""
        for statement in each.after:
            with contextlib.suppress(StatementError):
                self.session.run(statement)

    def __exit__(self, *_: object) -> None:
        left = list(self._dropped())
        self.session.close()
        if left:
            words = "; ".join(f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name in left)
            raise ConnectionProblem("indexes of --prove-here could not be dropped again", hint=f"Run: {words}")

    def _dropped(self) -> Iterator[Name]:
        """Drop what was built, in a new session where the old one is in the midst of something; yields what stays."""
        if not self.names:
            return
        self.say("dropping what was built here")
        try:
            session = self._fresh()
        except (PgassayError, StatementError):
            yield from self.names
            return
        for name in self.names:
            for wait in (0.0, 1.0, 5.0):
                time.sleep(wait)
                try:
                    session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
                    break
                except (StatementError, ConnectionLost):
                    continue
            else:
                yield name
        if session is not self.session:
            session.close()

    def _fresh(self) -> Connection:
        with contextlib.suppress(Exception):
            if self.session.transaction == "idle" and self.session.value("SELECT 1") == "1":
                self.session.run("RESET statement_timeout")
                return self.session
        session = connect_writing(self.url)
        # The interrupted build would go on, and finish after we have looked for it.
        with contextlib.suppress(StatementError):
            session.run("SELECT pg_catalog.pg_terminate_backend($1)", [self.session.pid])
        for _ in range(50):
            gone = "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1)"
            if session.value(gone, [self.session.pid]) == "t":
                break
            time.sleep(0.1)
        return session


class _NotHere(Exception):
    """Why an index cannot be built in the user's database."""
