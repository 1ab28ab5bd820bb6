"""A ghost plans as its original does: same nodes, same costs to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pgassay.server import SUPERUSER, Connection, Server, installed_binaries, scratch
from pgassay.twin.export import export
from pgassay.twin.export_file import Export
from pgassay.twin.ghost import Ghost, ghost

ORIGINAL = Path(__file__).with_name("test_ghost_original.sql").read_text()
QUERIES = {
    "primary key": "SELECT * FROM customer WHERE id = 77",
    "range": "SELECT * FROM purchase WHERE placed BETWEEN '2024-02-01' AND '2024-02-02'",
    "wide range": "SELECT count(*) FROM purchase WHERE placed < '2024-04-01'",
    "in list": "SELECT * FROM purchase WHERE customer IN (1, 22, 333, 4444)",
    "below the histogram": "SELECT * FROM purchase WHERE placed < '2023-12-31'",
    "first values": "SELECT * FROM purchase WHERE placed < '2024-01-01 00:30:00+00'",
    "newest": "SELECT * FROM purchase WHERE placed > '2024-05-18 20:00:00+00' AND customer > 39990",
    "beyond the histogram": "SELECT * FROM purchase WHERE placed > '2030-01-01' ORDER BY amount",
    "newest key": "SELECT * FROM purchase WHERE id > 199990",
    "common value": "SELECT * FROM purchase WHERE state = 'sent'",
    "rare value": "SELECT * FROM purchase WHERE state = 'new' AND placed > '2024-03-01'",
    "is null": "SELECT count(*) FROM customer WHERE wallet IS NULL",
    "domain": "SELECT * FROM customer WHERE wallet = '0x' || md5('5')",
    "expression index": "SELECT * FROM customer WHERE lower(email) = 'user5@example.com'",
    "expression range": "SELECT * FROM purchase WHERE a + b > 100",
    "prefix": "SELECT * FROM customer WHERE email LIKE 'User12%'",
    "substring": "SELECT * FROM customer WHERE email ILIKE '%ser1234%'",
    "array": "SELECT * FROM customer WHERE tags @> ARRAY['t3', 't4']",
    "jsonb": """SELECT * FROM customer WHERE profile @> '{"level": 3}'""",
    "brin": "SET LOCAL enable_indexscan = off; SELECT * FROM purchase WHERE placed BETWEEN '2024-05-1' AND '2024-05-3'",
    "hash": "SELECT * FROM purchase WHERE token = '00000000-0000-0000-0000-000000000001'",
    "gist": "SELECT * FROM purchase WHERE valid @> 17",
    "range types": "SELECT count(*) FROM purchase WHERE valid && int4range(10, 20)",
    "join": "SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.country = 'fr' AND p.amount > 600",
    "nested loop": "SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.id < 20",
    "merge join": "SELECT * FROM customer c JOIN totals t ON t.customer = c.id ORDER BY c.id",
    "anti join": "SELECT * FROM customer c WHERE NOT EXISTS (SELECT FROM purchase p WHERE p.customer = c.id)",
    "semi join": "SELECT * FROM customer c WHERE id IN (SELECT customer FROM purchase WHERE state = 'void')",
    "dependent columns": "SELECT * FROM purchase WHERE a = 17 AND b = 1",
    "dependent groups": "SELECT a, b, count(*) FROM purchase GROUP BY a, b",
    "combinations": "SELECT * FROM customer WHERE country = 'de' AND city = 'city 1-2'",
    "statistics on expressions": "SELECT country, lower(email), count(*) FROM customer GROUP BY 1, 2",
    "index only": "SELECT customer, placed FROM purchase WHERE customer BETWEEN 100 AND 300",
    "include": "SELECT state, amount, a FROM purchase WHERE state = 'void' AND amount < 10",
    "first ten": "SELECT * FROM purchase ORDER BY id LIMIT 10",
    "latest": "SELECT * FROM purchase WHERE customer = 5 ORDER BY placed DESC LIMIT 3",
    "sort": "SELECT * FROM purchase ORDER BY amount DESC LIMIT 100",
    "distinct": "SELECT DISTINCT city, country FROM customer",
    "group": "SELECT customer, count(*), sum(amount) FROM purchase GROUP BY customer HAVING count(*) > 20",
    "window": "SELECT customer, row_number() OVER (PARTITION BY customer ORDER BY placed) FROM purchase",
    "scalar subquery": "SELECT (SELECT max(a) FROM purchase p WHERE p.customer = c.id) FROM customer c WHERE id < 50",
    "lateral": "SELECT * FROM customer c, LATERAL (SELECT FROM purchase WHERE customer = c.id LIMIT 1) x WHERE id < 9",
    "union": "SELECT id FROM customer WHERE city = 'city 0-0' UNION SELECT customer FROM purchase WHERE a = 3",
    "one partition": "SELECT * FROM event WHERE block = 12345",
    "two partitions": "SELECT * FROM event WHERE block BETWEEN 9990 AND 10010 AND kind = 'kind1'",
    "all partitions": "SELECT kind, count(*) FROM event GROUP BY kind",
    "top of partitions": "SELECT * FROM event ORDER BY block DESC, log DESC LIMIT 5",
    "view": "SELECT * FROM german WHERE id BETWEEN 5 AND 500",
    "odd names": 'SELECT * FROM "Odd Name" WHERE "Mixed Case" = 3 AND empty IS NULL',
    "never analysed": "SELECT * FROM never_analysed WHERE id = 4",
    "function": "SELECT * FROM purchase WHERE a = twice(20)",
    "insert": "INSERT INTO never_analysed SELECT a, city FROM purchase p JOIN customer c ON c.id = p.customer",
    "update": "UPDATE purchase SET amount = 0 WHERE customer = 4",
    "delete": "DELETE FROM event WHERE block < 5",
}  # fmt: skip


def fill(session: Connection) -> None:
    session.run(ORIGINAL)
    for table in ("customer", "purchase", "event", '"Odd Name"', "totals"):
        session.run(f"VACUUM ANALYZE {table}")


@pytest.fixture(scope="module")
def original(server: Server) -> Iterator[Connection]:
    with server.database() as name:
        with server.connect(name, role=SUPERUSER) as admin:
            admin.run("CREATE EXTENSION pageinspect SCHEMA public")
        with server.connect(name) as session:
            fill(session)
            yield session


@pytest.fixture(scope="module")
def exported(server: Server, original: Connection) -> Export:
    return export(f"postgresql://{SUPERUSER}@/{original.database}?host={server.sockets}")


@pytest.fixture(scope="module")
def twin(exported: Export) -> Iterator[Ghost]:
    with scratch() as other, ghost(other, exported) as made:
        yield made


def test_everything_of_the_schema_is_made(twin: Ghost) -> None:
    assert twin.unmade == () and twin.remarks == ()


@pytest.mark.parametrize("name", QUERIES)
def test_plans_are_the_originals_to_the_last_digit(name: str, original: Connection, twin: Ghost) -> None:
    *settings, query = QUERIES[name].split("; ")
    with original.rolled_back():
        for setting in settings:
            original.run(setting)
        wanted = original.json(f"EXPLAIN (FORMAT JSON, VERBOSE) {query}")[0]
    for setting in settings:
        twin.session.run(setting.replace("SET LOCAL", "SET"))
    try:
        found = twin.explain(query)
    finally:
        twin.session.run("RESET enable_indexscan")
    assert nodes(found["Plan"]) == nodes(wanted["Plan"])


def test_plans_are_the_originals_on_other_versions_too() -> None:
    """The oldest other PostgreSQL of this machine, where there is one: its pg_statistic is written by hand."""
    others = [binaries for binaries in installed_binaries() if 14 <= binaries.major < 18]
    if not others:
        pytest.skip("no other PostgreSQL here")
    with scratch(others[-1]) as old, old.database() as name:
        with old.connect(name, role=SUPERUSER) as admin:
            admin.run("CREATE EXTENSION pageinspect SCHEMA public")
        with old.connect(name) as session:
            fill(session)
            exported = export(f"postgresql://{SUPERUSER}@/{name}?host={old.sockets}")
            with ghost(old, exported) as twin:
                assert twin.unmade == () and twin.remarks == ()
                for query in QUERIES.values():
                    if ";" not in query:
                        wanted = session.json(f"EXPLAIN (FORMAT JSON, VERBOSE) {query}")[0]
                        assert nodes(twin.explain(query)["Plan"]) == nodes(wanted["Plan"]), query


@pytest.mark.parametrize(
    ("provider", "collate"), [("c", "en_US.UTF-8"), ("i", "de-DE"), ("c", "xx_XX.no-such"), ("b", "C")]
)
def test_prefixes_use_a_plain_index_only_under_the_c_collation(exported: Export, provider: str, collate: str) -> None:
    facts = replace(exported.server, provider=provider, collate="C" if provider == "b" else collate, locale=collate)
    with scratch() as other, ghost(other, replace(exported, server=facts)) as twin:
        twin.drop_index("customer_email_idx")
        twin.create_index("CREATE INDEX plain ON customer (email)")
        twin.create_index("CREATE INDEX pattern ON customer (wallet varchar_pattern_ops)")
        found = twin.explain("SELECT * FROM customer WHERE email LIKE 'User12%'", without=["customer_email_idx1"])
        assert ("plain" in str(found)) == (provider == "b")
        found = twin.explain("SELECT * FROM customer WHERE wallet LIKE '0x00%'", without=["customer_wallet_idx"])
        assert "pattern" in str(found)
        if collate in ("C", "xx_XX.no-such"):
            assert len(twin.remarks) == (collate != "C")


def nodes(plan: dict[str, Any], depth: int = 0) -> list[tuple[Any, ...]]:
    """Every node: depth, kind, relation, index, costs, rows, width."""
    kept = ("Node Type", "Relation Name", "Index Name", "Startup Cost", "Total Cost", "Plan Rows", "Plan Width")
    found = [(depth, *(plan.get(key) for key in kept))]
    for child in plan.get("Plans", ()):
        found += nodes(child, depth + 1)
    return found
