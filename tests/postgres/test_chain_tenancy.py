"""The row security of a design: it applies, goes back, and holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.catalog import compare, read
from pgassay.chain.tenancy import Link, Roles, Secured, Tenancy, closed, default, foundation, row_security, scoped
from pgassay.model import Name
from pgassay.server import Connection, Server, StatementError

ROLES = Roles("asset owner", "asset_writer", "asset_reader")
A, B = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
TABLES = """
CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE tokens (id bigint GENERATED ALWAYS AS IDENTITY, tenant_id uuid NOT NULL DEFAULT {mine} REFERENCES tenants,
                     symbol text NOT NULL, PRIMARY KEY (id), UNIQUE (tenant_id, symbol));
CREATE TABLE notes (id serial PRIMARY KEY, token_id bigint REFERENCES tokens, body text);
CREATE TABLE transfers (tenant_id uuid NOT NULL DEFAULT {mine}, block bigint NOT NULL, token_id bigint NOT NULL
                        REFERENCES tokens, amount numeric(78,0)) PARTITION BY RANGE (block);
CREATE TABLE transfers_1 PARTITION OF transfers FOR VALUES FROM (0) TO (1000);
CREATE TABLE blocks (number bigint PRIMARY KEY);
CREATE VIEW symbols AS SELECT symbol FROM tokens;
"""


def named(name: str) -> Name:
    return Name("public", name)


TO_TOKEN = Link(("token_id",), named("tokens"), ("id",))
TENANCY = Tenancy(
    mode="tenant",
    roles=ROLES,
    tables=(
        Secured(name=named("tenants"), column="id", writes="none", indexed=True),
        Secured(name=named("tokens"), column="tenant_id", indexed=True),
        Secured(name=named("notes"), via=TO_TOKEN, sequences=(named("notes_id_seq"),)),
        Secured(name=named("transfers"), column="tenant_id", links=(TO_TOKEN,), writes="append",
                partitions=(named("transfers_1"),)),
        Secured(name=named("blocks"), writes="append"),
    ),
    views=(named("symbols"),),
)  # fmt: skip
BASE = foundation(TENANCY), row_security(TENANCY)


@pytest.fixture(scope="module")
def secured(server: Server) -> Iterator[str]:
    """Tables with a token, a note and a transfer of two tenants."""
    with server.database() as name:
        with server.connect(name) as session:
            before = read(session)
            run(session, BASE[0].forward)
            session.run(TABLES.format(mine=default(TENANCY)))
            bare = read(session)
            run(session, BASE[1].forward)
            run(session, BASE[1].back)
            assert not compare(read(session), bare)
            run(session, BASE[1].forward)
            for tenant in (A, B):
                session.run(
                    f"BEGIN; ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY; SET LOCAL app.tenant_id = '{tenant}';"
                    f"INSERT INTO tenants VALUES ('{tenant}', 'x'); ALTER TABLE tenants FORCE ROW LEVEL SECURITY;"
                    "INSERT INTO tokens (symbol) VALUES ('GOLD'); INSERT INTO notes (token_id) SELECT id FROM tokens;"
                    "INSERT INTO transfers (block, token_id) SELECT 7, id FROM tokens; COMMIT"
                )
            yield name
            run(session, BASE[1].back)
            session.run("DROP VIEW symbols; DROP TABLE notes, transfers, tokens, tenants, blocks")
            run(session, BASE[0].back)
            assert not compare(read(session), before)
        assert not {"asset owner", "asset_writer", "asset_reader"} & server.roles()


@pytest.fixture
def session(server: Server, secured: str) -> Iterator[Connection]:
    """A transaction of tenant A under the writer's role."""
    with server.connect(secured) as made, made.rolled_back():
        made.run(f"SET LOCAL ROLE asset_writer; SET LOCAL app.tenant_id = '{A}'")
        yield made


def run(session: Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        session.run(statement)


@pytest.mark.parametrize("table", ["tenants", "tokens", "notes", "transfers", "symbols"])
@pytest.mark.parametrize(("tenant", "rows"), [(f"'{A}'", "1"), ("''", "0"), ("DEFAULT", "0")])
def test_rows_seen(session: Connection, table: str, tenant: str, rows: str) -> None:
    session.run(f"SET LOCAL app.tenant_id = {tenant}")
    assert session.value(f"SELECT count(*) FROM {table}") == rows


def test_the_owner_is_bound(session: Connection) -> None:
    session.run('SET LOCAL ROLE "asset owner"')
    assert session.value("SELECT count(*) FROM tokens") == "1"


REFUSED = [
    (f"INSERT INTO tokens (tenant_id, symbol) VALUES ('{B}', 'x')", "42501"),
    (f"UPDATE tokens SET tenant_id = '{B}'", "42501"),
    ("INSERT INTO notes (token_id) VALUES (2)", "42501"),
    ("INSERT INTO notes (token_id) VALUES (NULL)", "42501"),
    ("UPDATE notes SET token_id = 2", "42501"),
    ("INSERT INTO transfers (block, token_id) VALUES (8, 2)", "42501"),
    ("UPDATE transfers SET amount = 1", "42501"),
    ("DELETE FROM transfers", "42501"),
    ("SELECT * FROM transfers_1", "42501"),
    ("SELECT * FROM ONLY transfers_1", "42501"),
    ("TRUNCATE tokens CASCADE", "42501"),
    ("INSERT INTO tenants VALUES (gen_random_uuid(), 'x')", "42501"),
    ("UPDATE blocks SET number = 1", "42501"),
    ("SET LOCAL ROLE asset_reader; INSERT INTO tokens (symbol) VALUES ('x')", "42501"),
    ("SET LOCAL ROLE asset_reader; DELETE FROM notes", "42501"),
]


@pytest.mark.parametrize(("sql", "state"), REFUSED)
def test_refused(session: Connection, sql: str, state: str) -> None:
    with pytest.raises(StatementError) as refusal:
        session.run(sql)
    assert refusal.value.sqlstate == state


ALLOWED = [
    "INSERT INTO tokens (symbol) VALUES ('SILVER')",
    "INSERT INTO notes (token_id) SELECT id FROM tokens",
    "INSERT INTO transfers (block, token_id) SELECT 8, id FROM tokens",
    "UPDATE tokens SET symbol = 'SILVER'",
    "DELETE FROM notes",
    "INSERT INTO blocks VALUES (1)",
    "SET LOCAL ROLE asset_reader; SELECT * FROM blocks, symbols, transfers",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed(session: Connection, sql: str) -> None:
    session.run(sql)


@pytest.mark.parametrize("table", ["tokens", "notes", "transfers"])
def test_the_setting_is_read_once(session: Connection, table: str) -> None:
    plan = "\n".join(row[0] for row in session.run(f"EXPLAIN (VERBOSE) SELECT * FROM {table}"))
    assert plan.count("InitPlan") >= plan.count("current_setting") > 0  # named once each, and once more where used
    assert "Filter: (" not in plan or "current_setting" not in plan.split("Filter: (")[1].split("\n")[0]


def test_partitions_made_later_are_closed() -> None:
    assert closed(named("p"))[1] == "ALTER TABLE public.p FORCE ROW LEVEL SECURITY"


def test_keys_begin_with_the_tenant() -> None:
    assert scoped(("symbol",), "tenant_id") == ("tenant_id", "symbol")
    assert scoped(("symbol",), None) == ("symbol",)


def test_a_parent_must_have_an_owner() -> None:
    shared = Secured(name=named("tokens"))
    with pytest.raises(ValueError, match="has no owner"):
        row_security(Tenancy(mode="tenant", roles=ROLES, tables=(shared, Secured(name=named("n"), via=TO_TOKEN))))


def test_there_before_us(server: Server, connection: Connection) -> None:
    """Roles and a schema that somebody else made stay when the design goes."""
    here, mine = {"old_reader", "old owner"}, {"new_writer"}
    part = foundation(Tenancy(mode="owner", roles=Roles("old owner", "new_writer", "old_reader"), tables=()))
    connection.run('CREATE ROLE old_reader; CREATE ROLE "old owner"; CREATE SCHEMA auth; CREATE TABLE auth.t ()')
    try:
        run(connection, part.forward)
        assert connection.value("SELECT auth.user_id()") is None
        assert here | mine <= server.roles()
        run(connection, part.back)
        assert here <= server.roles()
        assert not mine & server.roles()
        connection.run("SELECT * FROM auth.t")
    finally:
        server.drop_roles(here | mine)
