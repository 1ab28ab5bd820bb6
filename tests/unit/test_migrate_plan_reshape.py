"""Statements written anew for what a plan builds beside what stands."""

from __future__ import annotations

import pytest

from pgassay.migrate.plan.model import batch
from pgassay.model import Name
from pgassay.report.migrate_plan import PlanDocument, StepPart, UnsafePart, plan_sql, plan_text
from pgassay.sources.marks import marked
from pgassay.sql import parse
from pgassay.sql.reshape import as_unique_index, column_without, constraint, expression, index, mentions


def test_an_index_on_another_column() -> None:
    text = "CREATE UNIQUE INDEX a ON t (x, lower(y)) INCLUDE (z) WHERE x > 0"
    assert index(text, name="b", columns={"x": "n"}) == (
        "CREATE UNIQUE INDEX CONCURRENTLY b ON t USING btree (n, lower(y)) INCLUDE (z) WHERE n > 0"
    )
    assert index("CREATE INDEX a ON t (x)", only=True, concurrently=False) == "CREATE INDEX a ON ONLY t USING btree (x)"


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("CHECK (x > y)", "CHECK (n > y) NOT VALID"),
        ("FOREIGN KEY (x, y) REFERENCES o (x, y)", "FOREIGN KEY (n, y) REFERENCES o (x, y) NOT VALID"),
    ],
)
def test_a_constraint_on_another_column(definition: str, expected: str) -> None:
    made = constraint(f"ALTER TABLE t ADD CONSTRAINT a {definition}", name="b", columns={"x": "n"}, validated=False)
    assert made == f"ALTER TABLE t ADD CONSTRAINT b {expected}"


def test_a_key_as_its_index() -> None:
    text = "ALTER TABLE t ADD CONSTRAINT a UNIQUE NULLS NOT DISTINCT (x) INCLUDE (y) DEFERRABLE"
    assert as_unique_index(text, name="a", table=Name(None, "t")) == (
        "CREATE UNIQUE INDEX CONCURRENTLY a ON t USING btree (x) INCLUDE (y) NULLS NOT DISTINCT",
        "ALTER TABLE t ADD CONSTRAINT a UNIQUE USING INDEX a DEFERRABLE",
    )


def test_a_column_without_some_of_what_is_written_with_it() -> None:
    text = "ALTER TABLE t ADD COLUMN a uuid NOT NULL DEFAULT f() UNIQUE"
    assert column_without(text, {"not null", "unique"}.__contains__) == "ALTER TABLE t ADD COLUMN a uuid DEFAULT f()"


def test_an_expression_on_a_triggers_row() -> None:
    assert expression("CASE x WHEN 'x' THEN t.x END", {"x": "x"}, row="new") == "CASE new.x WHEN 'x' THEN new.x END"


def test_which_names_a_statement_holds() -> None:
    assert {"holder", "name", "label"} <= mentions("ALTER TABLE holder RENAME COLUMN name TO label")


def test_the_runner_knows_a_batch() -> None:
    (statement,) = parse(batch("UPDATE t SET a = 1"), "x.sql")
    assert marked(statement)
    assert batch(statement.text) == statement.text


def test_what_is_unsafe_stands_on_top_and_the_deployment_between() -> None:
    steps = [
        StepPart(phase=phase, name=phase, sql=(f"SELECT {n}",), transaction="transaction", lock=None, table=None,
                 hold_ms=None, why="why", source="a.sql:1")
        for n, phase in enumerate(("expand", "contract"))
    ]  # fmt: skip
    unsafe = UnsafePart(what="slow", step=1, source="", table="t", lock="SHARE", ms=1500.0, rows=1000)
    document = PlanDocument(
        pgassay="", project="p", runner="psql", server="18", pending=("a.sql",), why_pending="", steps=tuple(steps),
        deploy_after=1, verified=True, safe=False, differences=(), unsafe=(unsafe,), before=(), after=(), rows=10,
        probes_old=0, probes_new=0, files=(), notes=(),
    )  # fmt: skip
    sql = plan_sql(document)
    assert sql.startswith("-- unsafe: slow")
    assert sql.index("SELECT 0") < sql.index("deploy the new application") < sql.index("SELECT 1")
    assert "step 1: slow [SHARE on t, about 1.5 s at 1,000 rows]" in plan_text(document)
