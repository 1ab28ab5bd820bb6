"""The law of isolation: whatever tenant A sends under a design's policies, B's rows are neither seen nor touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.chain.tenancy import Link, Roles, Secured, Tenancy, default, foundation, row_security
from pgassay.model import Name
from pgassay.server import Connection, Server, StatementError

A, B = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
TABLES = {
    "token": ("id", "tenant_id", "symbol", "n"),
    "holder": ("id", "tenant_id", "token_id", "n"),
    "note": ("id", "holder_id", "body", "n"),
}
TOKEN, HOLDER = (Name("public", name) for name in ("token", "holder"))
TENANCY = Tenancy(
    mode="tenant",
    roles=Roles("law_owner", "law_writer", "law_reader"),
    tables=(
        Secured(name=TOKEN, column="tenant_id"),
        Secured(name=HOLDER, column="tenant_id", links=(Link(("token_id",), TOKEN, ("id",), nullable=True),)),
        Secured(name=Name("public", "note"), via=Link(("holder_id",), HOLDER, ("id",))),
    ),
    views=(Name("public", "everything"),),
)
MADE = f"""
CREATE TABLE token (id int PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT {default(TENANCY)}, symbol text, n int);
CREATE TABLE holder (id int PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT {default(TENANCY)},
                     token_id int REFERENCES token ON DELETE CASCADE, n int);
CREATE TABLE note (id int PRIMARY KEY, holder_id int REFERENCES holder ON DELETE CASCADE, body text, n int);
CREATE VIEW everything AS SELECT t.id, t.tenant_id, t.symbol, h.id AS holder_id, o.body, o.n
  FROM token t LEFT JOIN holder h ON h.token_id = t.id LEFT JOIN note o ON o.holder_id = h.id;
INSERT INTO token SELECT i, CASE WHEN i % 2 = 0 THEN '{A}' ELSE '{B}' END::uuid, 'of ' || i % 2, i
  FROM generate_series(1, 8) AS i;
INSERT INTO holder SELECT id, tenant_id, id, n FROM token;
INSERT INTO note SELECT id, id, 'of ' || id % 2, n FROM holder;
"""
_ROWS = "(SELECT json_agg(t ORDER BY id) FROM {} t WHERE id IN (1, 3, 5, 7) OR {})"
THEIRS = "SELECT json_build_array({}, {}, {})".format(
    _ROWS.format("token", f"tenant_id = '{B}'"),
    _ROWS.format("holder", f"tenant_id = '{B}' OR token_id IN (1, 3, 5, 7)"),
    _ROWS.format("note", "holder_id IN (1, 3, 5, 7)"),
)

tables = st.sampled_from(sorted(TABLES))
numbers = st.integers(-1, 9).map(str)
ids = st.one_of(numbers, st.sampled_from(["100", "102"]))
tenants = st.sampled_from([f"'{A}'::uuid", f"'{B}'::uuid", "auth.tenant_id()", "(SELECT tenant_id FROM token LIMIT 1)"])


comparisons = st.sampled_from(["=", "<", ">", "<>", "% 2 ="])


@st.composite
def conditions(draw: st.DrawFn, table: str, depth: int = 2) -> str:
    """A condition on a table's row, with sub-selects on the others."""
    column = draw(st.sampled_from(["id", "n"]))
    other = draw(tables)
    plain = st.sampled_from(
        [
            "true",
            f"{table}.{column} {draw(comparisons)} {draw(numbers)}",
            f"{table}.{column} IS NOT NULL OR 1 / nullif({table}.n, 0) = 0",
            f"EXISTS (SELECT FROM {other} AS o WHERE o.n = {table}.n)",
            f"{table}.id IN (SELECT o.id FROM {other} AS o WHERE o.n >= {draw(numbers)})",
            f"{table}.n = (SELECT max(o.n) FROM {other} AS o)",
            f"{table} IS NOT NULL",
        ]
    )
    if depth == 0:
        return draw(plain)
    inner = conditions(table, depth - 1)
    both = st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})")
    return draw(st.one_of(plain, both, inner.map(lambda condition: f"NOT ({condition})")))


@st.composite
def values(draw: st.DrawFn, column: str) -> str:
    """Something to write into a column."""
    if column == "tenant_id":
        return draw(tenants)
    if column in ("symbol", "body"):
        return draw(st.sampled_from(["'x'", "NULL", "(SELECT string_agg(symbol, ',') FROM token)"]))
    if column == "id":
        return draw(ids)
    return draw(st.one_of(numbers, st.sampled_from(["NULL", "DEFAULT", "(SELECT max(id) FROM holder)"])))


roles = st.sampled_from(["law_writer", "law_owner", "law_reader"])


@st.composite
def statements(draw: st.DrawFn) -> str:
    """What a tenant may send."""
    table = draw(tables)
    columns = TABLES[table]
    where = draw(conditions(table))
    chosen = draw(st.lists(st.sampled_from(columns[1:]), min_size=1, unique=True))
    changes = ", ".join(f"{c} = {draw(values(c))}" for c in chosen)
    back = draw(st.sampled_from(["", f" RETURNING {table}.*"]))
    row = ", ".join(draw(values(c)) for c in columns)
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({row})"
    other = draw(tables)
    on = f"{table}.id = s.id OR {where}"
    return draw(
        st.sampled_from(
            [
                f"SELECT {table}.* FROM {table} WHERE {where}",
                f"SELECT o.* FROM {table} LEFT JOIN {other} AS o ON o.n <> {table}.n OR o.id IS NULL WHERE {where}",
                f"SELECT * FROM everything AS {table} WHERE n > {draw(numbers)} OR symbol IS NOT NULL",
                f"WITH x AS (UPDATE {table} SET {changes} WHERE {where} RETURNING *)"
                f" SELECT * FROM x UNION ALL TABLE {table}",
                f"UPDATE {table} SET {changes}{back}",
                f"UPDATE {table} SET {changes} WHERE {where}{back}",
                f"UPDATE {table} SET {changes} FROM {other} AS s WHERE s.n = {table}.n{back}",
                f"DELETE FROM {table}{back}",
                f"DELETE FROM {table} WHERE {where}{back}",
                f"DELETE FROM {table} USING {other} AS s WHERE {on}{back}",
                f"{insert}{back}",
                f"{insert} ON CONFLICT DO NOTHING{back}",
                f"{insert} ON CONFLICT (id) DO UPDATE SET {changes} WHERE {where}{back}",
                f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET {changes}{back}",
                f"MERGE INTO {table} USING {other} AS s ON {on} WHEN MATCHED THEN UPDATE SET {changes}",
                f"MERGE INTO {table} USING (SELECT generate_series(1, 9) AS id) AS s ON {on} WHEN MATCHED THEN DELETE",
                f"MERGE INTO {table} USING (SELECT {draw(ids)} AS id) AS s ON {table}.id = s.id"
                f" WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) VALUES ({row})",
                f"SELECT * FROM {table} WHERE {where} FOR UPDATE",
                f"COPY {table} TO STDOUT",
                f"TRUNCATE {table} CASCADE",
            ]
        )
    )


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Connection]:
    with server.database() as name:
        with server.connect(name) as made:
            for statement in foundation(TENANCY).forward:
                made.run(statement)
            made.run(MADE)
            for statement in row_security(TENANCY).forward:
                made.run(statement)
            yield made
        server.drop_roles({"law_owner", "law_writer", "law_reader"})


def as_owner(session: Connection) -> str | None:
    """B's rows, by the owner whom nothing binds for once."""
    session.run("RESET ROLE")
    for table in TABLES:
        session.run(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    return session.value(THEIRS)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sent=st.lists(statements(), min_size=1, max_size=3), role=st.sampled_from(["law_writer", "law_owner", "law_reader"])
)
def test_isolation(session: Connection, sent: list[str], role: str) -> None:
    with session.rolled_back():
        before = as_owner(session)
    assert before is not None
    assert before.count("of 1") == 8
    with session.rolled_back():
        session.run(f"SET LOCAL ROLE {role}; SET LOCAL app.tenant_id = '{A}'; SET LOCAL statement_timeout = '5s'")
        for statement in sent:
            if role == "law_owner" and statement.startswith("TRUNCATE"):
                continue  # the owner may, and may drop the table as well
            session.run("SAVEPOINT one")
            try:
                rows = [] if statement.startswith("COPY") else session.run(statement)
            except StatementError:
                session.run("ROLLBACK TO SAVEPOINT one")
                continue
            seen = " ".join(str(value) for row in rows for value in row)
            assert B not in seen, statement
            assert "of 1" not in seen, statement
        session.run("SET CONSTRAINTS ALL IMMEDIATE")
        assert as_owner(session) == before, sent


def test_the_law_can_be_broken(session: Connection) -> None:
    """The same statements find a policy that is open: the test can fail."""
    with session.rolled_back():
        session.run("CREATE POLICY open ON token FOR SELECT TO law_writer USING (symbol IS NOT NULL)")
        session.run(f"SET LOCAL ROLE law_writer; SET LOCAL app.tenant_id = '{A}'")
        assert B in str(session.run("SELECT token.* FROM token WHERE true"))
