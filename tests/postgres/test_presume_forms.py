"""One-line statements on nothing: each must run on what presume() builds for it, with the right types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.model.actions import Copy
from pgassay.rehearsal.presume import tried
from pgassay.rehearsal.presume_errors import in_transaction
from pgassay.server import Connection, Server
from pgassay.sql import parse
from pgassay.sql.usage import usage

# A line each: SQL | the types presumed, as "table.column type" separated by semicolons. From the manual's syntax.
FORMS = Path(__file__).with_name("test_presume_forms.txt").read_text()
CASES = [tuple(part.strip() for part in line.rpartition("|")[::2]) for line in FORMS.strip().splitlines()]

_TYPES = """
    SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname || '.' || a.attname || ' '
           || format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Connection]:
    with server.database() as name, server.connect(name) as opened:
        yield opened


@pytest.mark.parametrize(("sql", "types"), CASES, ids=[sql for sql, _ in CASES])
def test_a_statement_alone_can_be_rehearsed(server: Server, session: Connection, sql: str, types: str) -> None:
    statements = parse(sql, "alone.sql")
    presumed = tried(server, session, usage(statements), statements)
    assert presumed.unresolved == ()
    assert presumed.assumed
    with session.rolled_back():
        for ddl in presumed.statements:
            session.run(ddl)
        built = {row[0] for row in session.run(_TYPES)}
        for expected in filter(None, (t.strip() for t in types.split(";"))):
            assert expected in built, built
        if all(in_transaction(s) == s.text for s in statements):
            for statement in statements:
                session.run(statement.text)
            return
    with server.database() as name, server.connect(name) as alone:
        for ddl in presumed.statements:
            alone.run(ddl)
        for statement in statements:
            if not any(isinstance(a, Copy) for a in statement.actions):
                alone.run(statement.text)
