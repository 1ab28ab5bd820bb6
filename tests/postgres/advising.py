"""A small world for the advisor: tables with rows, one query at a time, and what an expert would have done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from pgassay.advisor import Advice, Ground, Query, advise
from pgassay.server import Server
from pgassay.sql.single import single


def query(text: str, number: int = 1, calls: float = 1.0) -> Query:
    """A query without parameters."""
    return Query(number=number, text=text, forms=(text,), kind=single(text).kind, calls=calls)


@contextlib.contextmanager
def ground(server: Server, script: str) -> Iterator[Ground]:
    """A ground of its own for a script of tables and rows."""
    with server.database() as database:
        with server.connect(database) as session:
            for statement in script.split(";\n"):
                if statement.strip():
                    session.run(statement)
        with Ground(server, database, kind="copied") as made:
            made.settle()
            yield made


def advice_for(made: Ground, texts: Sequence[str], *, seconds: float = 20.0, **options: object) -> Advice:
    """Advice for queries, each called once."""
    queries = [query(text, number) for number, text in enumerate(texts, 1)]
    try:
        return advise(made, queries, seconds=seconds, **options)  # type: ignore[arg-type]
    finally:
        made.clear()


def pages_with(made: Ground, statements: Sequence[str], sql: str) -> int:
    """Pages that a query touches where an expert's statements have been run, and nothing of ours."""
    made.only(())
    with made.session.rolled_back():
        for statement in statements:
            made.session.run(statement)
        made.session.run("ANALYZE")
        return made.measure(sql).buffers
