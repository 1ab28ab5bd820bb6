"""``pgassay explain`` on a database that is only read, and on a project's scratch server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.errors import InputError, UsageError
from pgassay.server import OWNER, SUPERUSER, Server
from pgassay.workflows.explain import Explained, ExplainOptions, explain, explained_json, render


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    with server.database() as name:
        with server.connect(name) as session:
            session.run(
                "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, state text);"
                " INSERT INTO shop.orders SELECT i, 'paid' FROM generate_series(1, 5000) i; ANALYZE"
            )
        with server.connect(name, role=SUPERUSER) as admin:
            admin.run(f"ALTER ROLE {OWNER} IN DATABASE {name} SET search_path = shop, public")
        yield f"postgresql://{OWNER}@/{name}?host={server.sockets}"


def live(url: str, query: str, analyze: bool = False, **more: object) -> Explained:
    return explain(ExplainOptions(query=query, database=url, analyze=analyze, **more))  # type: ignore[arg-type]


def test_a_database_is_planned_on_with_the_roles_own_search_path(url: str) -> None:
    made = live(url, "SELECT * FROM orders WHERE id = 7")
    assert made.plan["Plan"]["Index Name"] == "orders_pkey"
    assert not made.plans[0].analyzed


def test_parameters_and_without_them_the_generic_plan(url: str) -> None:
    query = "SELECT * FROM orders WHERE id < $1"
    assert live(url, query, parameters=("0",)).plan["Plan"]["Plan Rows"] == 1
    assert live(url, query).plan["Plan"]["Plan Rows"] == 1667
    with pytest.raises(UsageError, match="1 parameters"):
        live(url, query, analyze=True)


def test_a_query_is_run_only_on_request_and_only_reading(server: Server, url: str) -> None:
    assert live(url, "SELECT count(*) FROM orders WHERE id < $1", True, parameters=("10",)).plans[0].analyzed
    before = server.admin.value("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'")
    for write in ("DELETE FROM orders", "UPDATE orders SET state = 'x'", "SELECT * FROM orders FOR UPDATE"):
        with pytest.raises(InputError, match="only read"):
            live(url, write, analyze=True)
        assert live(url, write).plan["Plan"]["Node Type"] in ("ModifyTable", "LockRows")
    assert live(url, "SELECT count(*) FROM orders", True).plan["Plan"]["Plans"][0]["Actual Rows"] == 5000
    assert server.admin.value("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") == before


@pytest.mark.parametrize(
    "query", ["DROP TABLE orders", "SELECT 1; DELETE FROM orders", "COMMIT", "EXPLAIN ANALYZE DELETE FROM orders"]
)
def test_anything_but_one_query_is_refused(url: str, query: str) -> None:
    with pytest.raises(InputError):
        live(url, query, analyze=True)


def test_a_live_database_gets_no_index(url: str) -> None:
    with pytest.raises(UsageError, match="not changed"):
        live(url, "SELECT 1", indexes=("CREATE INDEX ON orders (state)",))


@pytest.fixture
def project(tmp_path: Path) -> str:
    (tmp_path / "001_orders.sql").write_text(
        "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL, at timestamptz NOT NULL);\n"
        "CREATE INDEX orders_at ON orders (at);\n"
    )
    return str(tmp_path)


QUERY = "SELECT * FROM orders WHERE customer = $1 ORDER BY at LIMIT 5"


def test_a_project_with_an_index_and_without_side_by_side(project: str) -> None:
    options = ExplainOptions(
        query=QUERY, project=project, rows=5000, analyze=True, compare=True,
        indexes=("CREATE INDEX CONCURRENTLY candidate ON orders (customer, at)",), without=("orders_at",),
    )  # fmt: skip
    made = explain(options)
    before, after = made.plans
    assert any(node.index == "candidate" for node in after.walk())
    assert (before.buffers or 0) and before.buffers.touched > after.buffers.touched  # type: ignore[union-attr]
    text = render(made, width=160, colour=False)
    assert "as it is" in text and " │ " in text and "using candidate" in text
    assert "values chosen from statistics: $1 = " in text
    assert '"compared"' in explained_json(made)


def test_a_write_is_run_on_a_scratch_server_and_rolled_back(project: str) -> None:
    made = explain(ExplainOptions(query="DELETE FROM orders WHERE id > 0", project=project, rows=500, analyze=True))
    assert made.plan["Plan"]["Operation"] == "Delete"
    assert made.plan["Plan"]["Plans"][0]["Actual Rows"] == 500


def test_two_queries_against_each_other(project: str) -> None:
    made = explain(ExplainOptions(query="SELECT 1", against="SELECT count(*) FROM orders", project=project, rows=500))
    assert [p.root.kind for p in made.plans] == ["Aggregate", "Result"]


def test_a_recorded_plan_needs_no_server(tmp_path: Path, url: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(explained_json(live(url, "SELECT * FROM orders WHERE state = 'x'")).replace('"plan"', '"Plan_"'))
    with pytest.raises(InputError, match="no plan"):
        explain(ExplainOptions(query="", recorded=file))
    file.write_text('[{"Plan": {"Node Type": "Result", "Startup Cost": 0, "Total Cost": 1, "Plan Rows": 1}}]')
    assert explain(ExplainOptions(query="", recorded=file)).plans[0].root.kind == "Result"
