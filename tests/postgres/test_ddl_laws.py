"""The law of differences: applied, they give the second schema; and back, the first.

Schemas are made up with every kind of object in them. Each block has a schema, some near and distant relatives and a
stranger, and goes from every one to every other one and back. PGASSAY_PAIRS asks for more pairs than the suite has time
for (15 a block): PGASSAY_PAIRS=500 pytest tests/postgres/test_ddl_laws.py
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pgassay.catalog import Catalog, compare, read
from pgassay.catalog.ddl import Step, create, difference
from pgassay.model.actions import Transact
from pgassay.rules import registry
from pgassay.server import Connection, Server, StatementError
from pgassay.sql import parse
from tests.postgres.schemas import ROLES, Schema
from tests.postgres.test_catalog_read import RICH

CHANGES = (0.03, 0.1, 0.3, 0.6)
BLOCKS = max(1, int(os.environ.get("PGASSAY_PAIRS", "90")) // 15)


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


def become(session: Connection, before: Catalog, after: Catalog) -> Catalog:
    """Apply the difference and see that it is all."""
    made = difference(before, after)
    run(session, made.steps)
    found = read(session)
    assert [str(change) for change in compare(unordered(after), unordered(found))] == [], made.script
    return found


@pytest.mark.parametrize("block", range(BLOCKS))
def test_there_and_back(server: Server, template: str, block: int) -> None:
    base = 100 * block
    schemas = [Schema(base), *(Schema(base + n, base, change) for n, change in enumerate(CHANGES, 1)), Schema(base + 9)]
    names = [server.create(template) for _ in schemas]
    try:
        catalogs = []
        for name, schema in zip(names, schemas, strict=True):
            with server.connect(name) as session:
                session.run(";\n".join(schema.statements()))
                catalogs.append(read(session))
        for number, (name, catalog) in enumerate(zip(names, catalogs, strict=True)):
            with server.connect(name) as session:
                for other in catalogs[number + 1 :]:
                    there = become(session, read(session), other)
                    become(session, there, catalog)
    finally:
        for name in names:
            server.drop(name)


@pytest.mark.parametrize("seed", range(0, 100, 10))
def test_a_made_up_schema_is_made_again(server: Server, template: str, seed: int) -> None:
    with server.database(template) as name, server.connect(name) as session:
        empty = read(session)
        session.run(";\n".join(Schema(seed).statements()))
        catalog = read(session)
    with server.database(template) as name, server.connect(name) as session:
        run(session, difference(empty, catalog).steps)
        assert [str(change) for change in compare(catalog, read(session))] == []


def example(session: Connection, sql: str, path: str) -> Catalog:
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
        return read(session)


def test_every_example_of_every_rule_is_made_again(server: Server) -> None:
    wrong: dict[str, list[str]] = {}
    seen: set[Catalog] = set()
    with server.database() as name, server.connect(name) as session:
        for rule in registry():
            for file, sql in (("bad.sql", rule.bad), ("good.sql", rule.good)):
                catalog = example(session, sql, file)
                if catalog in seen:
                    continue
                seen.add(catalog)
                with session.rolled_back():
                    session.run(";\n".join(create(catalog)))
                    left = [str(change) for change in compare(catalog, read(session))]
                if left:
                    wrong[f"{rule.id}/{file}"] = left
    assert wrong == {}
    assert len(seen) > 100


def test_a_rich_schema_is_made_again_and_undone(server: Server) -> None:
    with server.database() as name, server.connect(name) as session:
        empty = read(session)
        session.run(RICH)
        catalog = read(session)
        assert become(session, catalog, empty).tables == ()
        become(session, empty, catalog)
