"""What synthetic rows promise beyond being valid: seeds, later constraints, statistics, the unfillable named."""

from __future__ import annotations

import re

import pytest

from pgassay.catalog import Catalog, ColumnStats, read
from pgassay.model import Name
from pgassay.server import Connection, Server, StatementError
from pgassay.twin import fill
from tests.postgres.test_synthetic import check

T, U = Name("public", "t"), Name("public", "u")
REGISTRY = """
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x[0-9a-f]{40}$');
CREATE DOMAIN uint256 AS numeric(78, 0) CHECK (VALUE >= 0 AND VALUE < 2::numeric ^ 256);
CREATE TYPE standard AS ENUM ('ERC-20', 'ERC-721', 'ERC-3643');
CREATE TABLE chain(id integer PRIMARY KEY CHECK (id > 0), name text NOT NULL UNIQUE);
CREATE TABLE contract(chain_id integer NOT NULL REFERENCES chain, address address NOT NULL, kind standard NOT NULL,
    name text NOT NULL, symbol varchar(11) NOT NULL CHECK (symbol = upper(symbol)),
    decimals smallint CHECK (decimals BETWEEN 0 AND 18), total_supply uint256, deployed_at timestamptz NOT NULL,
    PRIMARY KEY (chain_id, address), CHECK ((kind = 'ERC-721') = (decimals IS NULL)));
CREATE TABLE holder(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, wallet address NOT NULL UNIQUE,
    identity address, country char(2) CHECK (country ~ '^[A-Z]{2}$'), verified_until timestamptz);
CREATE TABLE balance(chain_id integer, contract address, holder_id bigint NOT NULL REFERENCES holder,
    amount uint256 NOT NULL, frozen uint256 NOT NULL DEFAULT 0, CHECK (frozen <= amount),
    PRIMARY KEY (chain_id, contract, holder_id),
    FOREIGN KEY (chain_id, contract) REFERENCES contract ON DELETE CASCADE);
CREATE TABLE nft(chain_id integer, contract address, token_id uint256, owner address NOT NULL, uri text,
    PRIMARY KEY (chain_id, contract, token_id), FOREIGN KEY (chain_id, contract) REFERENCES contract);
CREATE TABLE transfer(block_number bigint, log_index integer CHECK (log_index >= 0), tx_hash char(66) NOT NULL
    CHECK (tx_hash ~ '^0x[0-9a-f]{64}$'), chain_id integer NOT NULL, contract address NOT NULL, sender address NOT NULL,
    recipient address NOT NULL CHECK (recipient <> sender), value uint256 NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (block_number, log_index), FOREIGN KEY (chain_id, contract) REFERENCES contract)
    PARTITION BY RANGE (block_number);
CREATE TABLE transfer_0 PARTITION OF transfer FOR VALUES FROM (0) TO (10000000);
CREATE TABLE transfer_1 PARTITION OF transfer FOR VALUES FROM (10000000) TO (20000000);
CREATE TABLE claim(id uuid PRIMARY KEY, holder_id bigint NOT NULL REFERENCES holder, topic numeric(78, 0) NOT NULL,
    issuer address NOT NULL, valid_from date NOT NULL, valid_to date, data jsonb NOT NULL DEFAULT '{}',
    UNIQUE (holder_id, topic, issuer), CHECK (valid_to IS NULL OR valid_to > valid_from));
"""


def test_a_token_registry(connection: Connection) -> None:
    result = check(connection, REGISTRY, rows=400)
    assert set(result.rows.values()) == {400}
    assert re.fullmatch("0x[0-9a-f]{40}", result.spare[Name("public", "holder")]["wallet"] or "")
    assert int(connection.value("SELECT count(DISTINCT tableoid) FROM transfer") or 0) == 2


def checksum(connection: Connection, table: Name = T) -> str | None:
    return connection.value(f"SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM {table} AS x")


def test_a_seed_gives_the_same_rows_again_and_another_seed_others(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id serial PRIMARY KEY, a text NOT NULL, b timestamptz, c numeric, d int[], e uuid)")
    catalog = read(connection)
    sums = []
    for seed in (1, 1, 2):
        fill(connection, catalog, rows=200, seed=seed)
        sums.append(checksum(connection))
        connection.run("TRUNCATE t")
    assert sums[0] == sums[1] != sums[2]


def test_sequences_continue_after_the_rows(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b serial UNIQUE, c text)")
    connection.run("CREATE SEQUENCE s; CREATE TABLE u(id bigint PRIMARY KEY DEFAULT nextval('s'), c text)")
    fill(connection, read(connection), rows=30)
    assert connection.run("INSERT INTO t(c) VALUES ('x') RETURNING id, b") == [["31", "31"]]
    assert connection.value("INSERT INTO u(c) VALUES ('x') RETURNING id") == "31"


def test_about_a_tenth_of_a_nullable_column_is_null(connection: Connection) -> None:
    connection.run("CREATE TABLE t(a int, b int NOT NULL)")
    fill(connection, read(connection), rows=2000)
    assert 120 < int(connection.value("SELECT count(*) FROM t WHERE a IS NULL") or 0) < 290


def test_rows_are_not_unique_by_accident(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int, name text, at timestamptz, a int, b int, PRIMARY KEY (a, b))")
    fill(connection, read(connection), rows=500)
    for column in ("id", "name", "at", "a", "b"):
        assert int(connection.value(f"SELECT count(DISTINCT {column}) FROM t") or 0) < 490


def later(server: Server, ddl: str) -> Catalog:
    with server.database() as name, server.connect(name) as session:
        session.run(ddl)
        return read(session)


def test_a_later_catalogs_keys_and_checks_are_obeyed_but_not_its_not_nulls(
    server: Server, connection: Connection
) -> None:
    before = "CREATE TABLE u(id int PRIMARY KEY); CREATE TABLE t(id int PRIMARY KEY, u int, code text, n int)"
    changes = """ALTER TABLE t ADD UNIQUE (code); ALTER TABLE t ADD FOREIGN KEY (u) REFERENCES u;
        ALTER TABLE t ADD CHECK (n BETWEEN 5 AND 7); ALTER TABLE t ALTER n SET NOT NULL; ALTER TABLE t ADD fresh int"""
    connection.run(before)
    fill(connection, read(connection), rows=300, obey=later(server, f"{before}; {changes}"))
    with pytest.raises(StatementError, match='column "n" of relation "t" contains null values'):
        connection.run(changes)
    connection.run(changes.replace("ALTER TABLE t ALTER n SET NOT NULL;", ""))


def test_without_a_later_catalog_its_constraints_fail(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int PRIMARY KEY, code text)")
    fill(connection, read(connection), rows=300)
    with pytest.raises(StatementError, match="could not create unique index"):
        connection.run("ALTER TABLE t ADD UNIQUE (code)")


def test_statistics_are_followed(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int PRIMARY KEY, kind text, amount int, tag text)")
    known = {
        "kind": ColumnStats(
            null_frac=0.5, avg_width=4, n_distinct=2, most_common_vals=["mint", "burn"], most_common_freqs=[0.4, 0.1]
        ),
        "amount": ColumnStats(null_frac=0, avg_width=4, n_distinct=-1, histogram_bounds=["10", "20", "30"]),
        "tag": ColumnStats(null_frac=0, avg_width=4, n_distinct=7),
    }
    fill(connection, read(connection), rows=4000, statistics={T: known})
    share = {k: int(n) / 4000 for k, n in connection.run("SELECT kind, count(*) FROM t GROUP BY 1")}
    assert share[None] == pytest.approx(0.5, abs=0.05)
    assert share["mint"] == pytest.approx(0.4, abs=0.05)
    assert share["burn"] == pytest.approx(0.1, abs=0.05)
    assert connection.run("SELECT min(amount), max(amount), count(*) FROM t WHERE amount IS NULL") is not None
    assert connection.value("SELECT bool_and(amount BETWEEN 10 AND 30) FROM t") == "t"
    assert connection.value("SELECT count(DISTINCT tag) FROM t") == "7"


def test_rows_by_table(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE u(id int PRIMARY KEY)")
    result = fill(connection, read(connection), rows={T: 7})
    assert result.rows == {T: 7}
    assert connection.value("SELECT count(*) FROM u") == "0"


def test_only_some_tables(connection: Connection) -> None:
    connection.run("CREATE TABLE u(id int PRIMARY KEY); CREATE TABLE t(u int NOT NULL REFERENCES u)")
    connection.run("INSERT INTO u VALUES (7), (8)")
    result = fill(connection, read(connection), rows=50, tables=[T])
    assert result.rows == {T: 50}
    assert connection.value("SELECT count(DISTINCT u) FROM t") == "2"


def test_a_trigger_that_raises_is_named_and_so_are_the_children(connection: Connection) -> None:
    connection.run("""CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'closed'; END $$;
        CREATE TABLE t(id int PRIMARY KEY); CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no();
        CREATE TABLE u(t int NOT NULL REFERENCES t); CREATE TABLE v(id int PRIMARY KEY)""")
    result = fill(connection, read(connection), rows=50)
    assert {u.table: u.reason for u in result.unfilled} == {
        T: "closed (SQLSTATE P0001)",
        U: "public.t has no rows to refer to",
    }
    assert next(u.constraint for u in result.unfilled if u.table == U) == "u_t_fkey"
    assert result.rows[Name("public", "v")] == 50


def test_a_trigger_that_refuses_some_rows_leaves_the_others(connection: Connection) -> None:
    connection.run("""CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.id % 3 = 0 THEN RAISE 'odd'; END IF; RETURN NEW; END $$;
        CREATE TABLE t(id int PRIMARY KEY); CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no();
        CREATE TABLE u(t int NOT NULL REFERENCES t)""")
    result = fill(connection, read(connection), rows=30)
    assert result.rows == {T: 20, U: 30}
    assert [u.table for u in result.unfilled] == [T]


def test_a_trigger_that_rewrites_keys(connection: Connection) -> None:
    connection.run("""CREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.id := NEW.id + 1000; RETURN NEW; END $$;
        CREATE TABLE t(id int PRIMARY KEY); CREATE TRIGGER up BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION up();
        CREATE TABLE u(t int NOT NULL REFERENCES t)""")
    result = fill(connection, read(connection), rows=30)
    assert result.rows == {T: 30, U: 30}
    assert result.unfilled == ()


def test_a_contradiction_is_named(connection: Connection) -> None:
    connection.run("CREATE TABLE t(a int NOT NULL, CONSTRAINT never CHECK (a > 5 AND a < 3)); CREATE TABLE u(b int)")
    result = fill(connection, read(connection), rows=10)
    assert [(u.table, u.constraint) for u in result.unfilled] == [(T, "never")]
    assert result.rows == {T: 0, U: 10}


def test_few_values_give_few_rows(connection: Connection) -> None:
    connection.run("CREATE TABLE t(a boolean PRIMARY KEY); CREATE TABLE u(t boolean PRIMARY KEY REFERENCES t)")
    result = fill(connection, read(connection), rows=10)
    assert result.rows == {T: 1, U: 1}
    assert result.spare[T] is not None


def test_rows_are_inside_the_callers_transaction(connection: Connection) -> None:
    connection.run("CREATE TABLE t(a int)")
    catalog = read(connection)
    with connection.rolled_back():
        fill(connection, catalog, rows=10)
        assert connection.value("SELECT count(*) FROM t") == "10"
    assert connection.value("SELECT count(*) FROM t") == "0"


def test_keys_that_are_foreign_keys_to_each_other_are_named(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE u(id int PRIMARY KEY REFERENCES t)")
    connection.run("ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u")
    result = fill(connection, read(connection), rows=10)
    assert {u.table for u in result.unfilled} == {T, U}
