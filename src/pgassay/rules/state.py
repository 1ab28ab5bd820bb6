"""What a rule of states looks at: a whole schema as it stands, whoever wrote it.

A rule judges states where its module has ``survey(state)``, beside or instead of ``find(step)``. Such rules see the
whole schema in ``pgassay check``; in a review those without ``find`` speak of what the change brought (see ``judge``).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgassay.catalog import Catalog, Table
from pgassay.model import Certainty, Evidence, Finding, Name, Remedy, Statement, Verdict, literal, quote

if TYPE_CHECKING:  # a static review loads no server
    from pgassay.catalog import ColumnStats
    from pgassay.server import Connection, ServerMessage
    from pgassay.workload import Query

_ALLOW = re.compile(r"pgassay:\s*allow\s+(?P<rule>[\w-]+)(?P<reason>[^\n]*)")
_COPY = "pgassay_trial"
_LIMIT = "5s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of rows that were put into an empty copy of a table: as they came back, or the server's refusal."""

    rows: tuple[tuple[str | None, ...], ...] = ()
    refusal: ServerMessage | None = None

    @property
    def taken(self) -> bool:
        """Whether every row went in."""
        return self.refusal is None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A schema, and what is known beside it. ``rows``: production's counts by table, where known. ``statistics``: of
    ``pg_stats``, by table and column. ``workload``: the application's statements. ``places``: the statements that made
    tables, columns and indexes, by subject (``public.token.symbol``). ``bench``: a session on a scratch server with
    this schema and no rows, as the tables' owner; None where nothing can be tried. ``only``: the tables that are asked
    about, None for all: in a review those that the change touched.
    """

    catalog: Catalog
    rows: Mapping[Name, int] = field(default_factory=dict)
    statistics: Mapping[Name, Mapping[str, ColumnStats]] | None = None
    workload: Sequence[Query] = ()
    places: Mapping[str, Statement] = field(default_factory=dict)
    bench: Connection | None = None
    only: frozenset[Name] | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that are asked about."""
        if self.only is None:
            return self.catalog.tables
        return tuple(t for t in self.catalog.tables if t.name in self.only)

    @contextlib.contextmanager
    def trying(self) -> Iterator[Connection | None]:
        """The bench, in a transaction (or savepoint) that is rolled back. A failure leaves it usable."""
        bench = self.bench
        if bench is None:
            yield None
        elif bench.transaction == "idle":
            with bench.rolled_back():
                bench.run(f"SET LOCAL statement_timeout = '{_LIMIT}'")
                yield bench
        else:
            bench.run("SAVEPOINT pgassay_trial")
            try:
                yield bench
            finally:
                bench.run("ROLLBACK TO SAVEPOINT pgassay_trial; RELEASE SAVEPOINT pgassay_trial")

    def put(self, table: Table, *rows: Mapping[str, str], settings: str = "") -> Trial | None:
        """Put rows into an empty copy of a table that has these columns, with their types, checks and unique keys.

        Every row names the same columns; constraints on others are not in the copy, so a refusal is about these.
        ``settings`` is SQL to be run before (``SET LOCAL …``). None where that cannot be tried.
        """
        from pgassay.server import StatementError

        given = tuple(rows[0])
        others = [c.name for c in table.columns if c.name not in given]
        drops = ", ".join(f"DROP COLUMN {quote(c)} CASCADE" for c in others)
        names = ", ".join(map(quote, given))
        values = ", ".join("(" + ", ".join(literal(row[c]) for c in given) + ")" for row in rows)
        try:
            with self.trying() as bench:
                if bench is None:
                    return None
                bench.run(
                    f"CREATE TEMPORARY TABLE {_COPY} (LIKE {table.name} INCLUDING CONSTRAINTS INCLUDING INDEXES);"
                    + (f"ALTER TABLE pg_temp.{_COPY} {drops};" if drops else "")
                    + settings
                )
                try:
                    back = bench.run(
                        f"INSERT INTO pg_temp.{_COPY} ({names}) VALUES {values} RETURNING "
                        + ", ".join(f"{quote(c)}::text" for c in given)
                    )
                except StatementError as error:
                    return Trial(refusal=error.report)
                return Trial(rows=tuple(tuple(row) for row in back))
        except StatementError:
            return None

    def plan(self, query: str, *before: str) -> str | None:
        """The generic plan of a statement on the bench's empty tables, sequential scans priced out, as EXPLAIN's text.

        ``before``: SQL to be run first, such as CREATE INDEX. None where it cannot be planned.
        """
        from pgassay.server import StatementError

        try:
            with self.trying() as bench:
                if bench is None:
                    return None
                bench.run("SET LOCAL search_path = public; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
                for sql in before:
                    bench.run(sql)
                generic = "GENERIC_PLAN, " if "$" in query else ""
                return "\n".join(row[0] for row in bench.run(f"EXPLAIN ({generic}COSTS OFF) {query}"))
        except StatementError:
            return None

    def allowed(self, finding: Finding) -> str | None:
        """The reason for which the rule is allowed there: by a comment on the statement that made the subject, or
        by ``pgassay: allow RULE, REASON`` in the subject's COMMENT. Empty where none is given, None without either."""
        table = next((t for t in self.catalog.tables if f"{finding.subject}.".startswith(f"{t.name}.")), None)
        columns = [c for c in table.columns if subject_of(table.name, c.name) == finding.subject] if table else []
        comments = [*(c.comment for c in columns), table.comment if table else None]
        for match in (m for text in comments for m in _ALLOW.finditer(text or "")):
            if match["rule"] == finding.rule:
                return match["reason"].strip(" ,:.\t")
        place = self.places.get(finding.subject) or (self.places.get(str(table.name)) if table else None)
        return next((s.reason for s in place.suppressions if s.rule == finding.rule), None) if place else None

    def finding(
        self,
        verdict: Verdict,
        message: str,
        *,
        subject: Name | tuple[Name, str] | str,
        certainty: Certainty = Certainty.COMPUTED,
        remedy: Remedy | str | None = None,
        evidence: Iterable[Evidence] = (),
        query: Query | None = None,
    ) -> Finding:
        """A finding about a table, a column of one (``(table, column)``), another object, or a ``query`` of the
        workload; the judge fills in the rule. It stands where the subject was made, if that is known."""
        if isinstance(subject, tuple):
            words, table = subject_of(*subject), str(subject[0])
        else:
            words = table = str(subject)
        place = self.places.get(words) or self.places.get(table)
        if query is not None:
            path, line, text = query.source or "workload", query.line, query.text
        elif place is not None:
            path, (line, text) = place.path, _line_of(place, subject[1] if isinstance(subject, tuple) else None)
        else:
            path, line, text = table, 0, ""
        return Finding(
            rule="",
            verdict=verdict,
            certainty=certainty,
            path=path,
            line=line,
            statement=text,
            message=message,
            subject=words,
            remedy=Remedy(sql=remedy) if isinstance(remedy, str) else remedy,
            evidence=tuple(evidence),
        )


def _line_of(place: Statement, column: str | None) -> tuple[int, str]:
    """Where a statement defines a column on a line of its own, that line; else the whole statement."""
    for number, line in enumerate(place.text.split("\n")) if column else ():
        if number and re.match(rf'\s*,?\s*(ADD\s+(COLUMN\s+)?)?"?{re.escape(column or "")}"?\s', line, re.IGNORECASE):
            return place.line + number, line.strip()
    return place.line, place.text


def subject_of(table: Name, column: str) -> str:
    """A column as findings and places name it."""
    return f"{table}.{column}"
