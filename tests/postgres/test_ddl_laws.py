"""The law of differences: applied, they give the second schema; and back, the first.

hypothesis makes families of schemas up, with every kind of object in them: one, some near and distant relatives, a
stranger. A database becomes each of them out of each other one. PGASSAY_PAIRS asks for more pairs than the suite has
time for, PGASSAY_SEED for others: PGASSAY_PAIRS=3000 PGASSAY_SEED=7 pytest tests/postgres/test_ddl_laws.py -k there
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pgassay.catalog import Catalog, compare, reader
from pgassay.catalog.ddl import Step, create, difference
from pgassay.model.actions import Transact
from pgassay.rules import registry
from pgassay.server import Connection, Server, StatementError
from pgassay.sql import parse
from tests.postgres.schemas import ROLES, Drawn, Schema
from tests.postgres.test_catalog_read import RICH

CHANGES = (6, 12, 30, 60)  # percent
PARTS = 6
PAIRS = int(os.environ.get("PGASSAY_PAIRS", "500"))
SEED = int(os.environ.get("PGASSAY_SEED", "1"))
FAMILIES = 1 + -(-PAIRS // (15 * PARTS))  # the first of a part is the plainest: six times the same


@pytest.fixture(scope="module")
def template(server: Server) -> Iterator[str]:
    """An empty database but for a foreign-data wrapper, which only a superuser can make."""
    for role in set(ROLES) - server.roles():
        server.admin.run(f"CREATE ROLE {role}")
    with server.database() as name:
        with server.connect(name, role="pgassay") as superuser:
            superuser.run(
                "CREATE FOREIGN DATA WRAPPER nowhere; GRANT USAGE ON FOREIGN DATA WRAPPER nowhere TO app_owner"
            )
        yield name


def run(session: Connection, steps: tuple[Step, ...]) -> None:
    """Run the steps, many at once. What is refused is told with its statement."""
    for alone, group in itertools.groupby(steps, key=lambda step: step.alone):
        sql = [step.sql for step in group]
        try:
            for text in sql if alone else [";\n".join(sql)]:
                session.run(text)
        except StatementError as error:
            place = (error.report.position or 0) - 1
            script = ";\n".join(sql)
            line = script[max(0, place - 200) : place + 200] if place > 0 else script
            raise AssertionError(f"{error.report}\n{line}") from None


def unordered(catalog: Catalog) -> Catalog:
    """The same but for the order of columns, which no SQL can change."""
    tables = (replace(t, columns=tuple(sorted(t.columns, key=lambda c: c.name))) for t in catalog.tables)
    return replace(catalog, tables=tuple(tables))


def become(session: Connection, look: Callable[[], Catalog], before: Catalog, after: Catalog) -> Catalog:
    """Apply the difference and see that it is all."""
    made = difference(before, after)
    run(session, made.steps)
    found = look()
    assert [str(change) for change in compare(unordered(after), unordered(found))] == [], made.script
    return found


def tour(count: int) -> list[int]:
    """Over every way from one of ``count`` places to another one, each once, from 0 to 0."""
    left = {here: [there for there in range(count) if there != here] for here in range(count)}
    path, found = [0], []
    while path:
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            found.append(path.pop())
    return found[::-1]


@st.composite
def families(draw: st.DrawFn) -> list[list[str]]:
    """Six schemas, more or less alike."""
    numbers = {below: st.integers(0, below - 1) for below in range(1, 101)}

    def number(below: int) -> int:
        return draw(numbers[below])

    first = Drawn(number)
    return [schema.statements() for schema in (first, *(Drawn(number, first, c) for c in CHANGES), Drawn(number))]


@pytest.mark.parametrize("part", range(PARTS))
def test_there_and_back(server: Server, template: str, part: int) -> None:
    pairs = 0

    @seed(SEED * 1000 + part)
    @settings(
        max_examples=FAMILIES, deadline=None, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(families())
    def holds(family: list[list[str]]) -> None:
        nonlocal pairs
        with server.database(template) as name, server.connect(name) as session:
            look = reader(session, rich=True)
            catalogs = []
            for statements in family:
                with session.rolled_back():
                    session.run(";\n".join(statements))
                    catalogs.append(look())
            catalogs = list(dict.fromkeys(catalogs))
            session.run(";\n".join(family[0]))
            here = look()
            for there in tour(len(catalogs))[1:]:
                here = become(session, look, here, catalogs[there])
        pairs += len(catalogs) * (len(catalogs) - 1) // 2

    holds()
    assert pairs >= 0.9 * PAIRS / PARTS  # a relative may be the same schema


@pytest.mark.parametrize("number", range(0, 100, 10))
def test_a_made_up_schema_is_made_again(server: Server, template: str, number: int) -> None:
    with server.database(template) as name, server.connect(name) as session:
        look = reader(session)
        empty = look()
        with session.rolled_back():
            session.run(";\n".join(Schema(number).statements()))
            catalog = look()
        run(session, difference(empty, catalog).steps)
        assert [str(change) for change in compare(catalog, look())] == []


def example(session: Connection, look: Callable[[], Catalog], sql: str, path: str) -> Catalog:
    """What an example leaves behind, of the statements that run inside of a transaction."""
    with session.rolled_back():
        for statement in parse(sql, path):
            if any(statement.of(Transact)):
                continue
            session.run("SAVEPOINT one")
            try:
                session.run(statement.text)
            except StatementError:
                session.run("ROLLBACK TO one")
        return look()


def test_every_example_of_every_rule_is_made_again(server: Server) -> None:
    wrong: dict[str, list[str]] = {}
    seen: set[Catalog] = set()
    with server.database() as name, server.connect(name) as session:
        look = reader(session)
        for rule in registry():
            for file, sql in (("bad.sql", rule.bad), ("good.sql", rule.good)):
                catalog = example(session, look, sql, file)
                if catalog in seen:
                    continue
                seen.add(catalog)
                with session.rolled_back():
                    session.run(";\n".join(create(catalog)))
                    left = [str(change) for change in compare(catalog, look())]
                if left:
                    wrong[f"{rule.id}/{file}"] = left
    assert wrong == {}
    assert len(seen) > 100


def test_a_rich_schema_is_made_again_and_undone(server: Server) -> None:
    with server.database() as name, server.connect(name) as session:
        look = reader(session)
        empty = look()
        session.run(RICH)
        catalog = look()
        assert become(session, look, catalog, empty).tables == ()
        become(session, look, empty, catalog)
