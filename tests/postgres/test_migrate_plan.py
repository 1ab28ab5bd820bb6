"""Plans, run on a real server: they lead where the migrations lead, and keep both applications going."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.migrate.plan import PlanStep
from pgassay.model import Migration, Project, Runner
from pgassay.model.observations import LOCK_MODES
from pgassay.rules import Rule, registry
from pgassay.server import Server, find_binaries, scratch
from pgassay.sql import parse
from pgassay.workflows.migrate_plan import Planned, PlanOptions, given
from tests.postgres.test_rules import example

_FAILING = {"duplicate-values", "violated-constraint"}  # the original's statement fails on every row
_UNSAFE = {
    "changed-type": "the old application fails",
    "impossible-type-change": "it fails",
    "nullable-column-required": "which value",
    "required-column-added": "which value",
    "renamed-enum-value": "two names",
    "blocking-exclusion-constraint": "no other way",
    "blocking-refresh": "unique index",
    "blocking-table-rewrite": "no other way",
    "blocking-work": "no other way",
} | dict.fromkeys(_FAILING, "this step fails")


def planned(server: Server, setup: str, change: str, *, rows: int = 50, **options: object) -> Planned:
    old, new = (
        Migration(name=name, path=f"{name}.sql", text=text, statements=parse(text, f"{name}.sql"))
        for name, text in (("0_setup", setup), ("1_change", change))
    )
    runner = Runner(name="psql", concurrently="send the file without a transaction")
    project = Project(kind="sql", path=".", runner=runner, migrations=(old, new))
    asked = PlanOptions(project=".", rows=rows, **options)  # type: ignore[arg-type]
    return given(server, project, deployed=[old], pending=[new], options=asked)


def statements(found: Planned, phase: str | None = None) -> list[str]:
    return [" ".join(sql.split()) for step in found.plan.steps if phase in (None, step.phase) for sql in step.sql]


def good(found: Planned) -> bool:
    return found.verified and found.safe


_RULES = [rule for rule in registry() if rule.family in ("locks", "changes")]


@pytest.mark.parametrize("rule", _RULES, ids=[rule.id for rule in _RULES])
def test_every_rules_bad_example(server: Server, rule: Rule) -> None:
    case = example(rule.bad, rule.folder.name)
    options = PlanOptions(project=".", rows=50)
    found = given(server, case.project, deployed=case.setup, pending=case.pending, options=options)
    assert found.changes == ()
    assert found.verified == (rule.id not in _FAILING)
    said = " ".join(unsafe.what for unsafe in found.unsafe)
    assert (_UNSAFE[rule.id] in said) if rule.id in _UNSAFE else not said
    for table, hold in found.after.items():
        before = found.before.get(table)
        if before is None:  # outside a transaction locks are seen from outside, and what does nothing is too short
            assert rule.id == "invalid-index-left"
            continue
        assert LOCK_MODES.index(hold.mode) <= LOCK_MODES.index(before.mode) or found.plan.twins


def _step(found: Planned, name: str) -> PlanStep:
    return next(step for step in found.plan.steps if step.name == name)


TABLE = "CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL, age integer NOT NULL DEFAULT 1, email text);"


def test_a_renamed_column_keeps_its_indexes_rules_and_place(server: Server) -> None:
    setup = TABLE + (
        "CREATE UNIQUE INDEX holder_name ON holder (lower(name)) WHERE name <> '';"
        "ALTER TABLE holder ADD CONSTRAINT named CHECK (length(name) < 500), ADD UNIQUE (name, id)"
    )
    found = planned(server, setup, "ALTER TABLE holder RENAME COLUMN name TO full_name")
    assert good(found)
    table = found.trial.after.tables[0]
    assert [c.name for c in table.columns] == ["id", "full_name", "age", "email"]
    assert any("ON public.holder USING btree (lower(full_name)) WHERE" in sql for sql in statements(found))


def test_both_columns_follow_each_other_in_either_direction(server: Server) -> None:
    found = planned(server, TABLE, "ALTER TABLE holder RENAME COLUMN age TO years")
    assert good(found)
    with server.database() as name, server.connect(name) as session:
        session.run(TABLE + "INSERT INTO holder (id, name, age) VALUES (1, 'a', 7)")
        for step in found.plan.steps[: found.plan.deploy]:
            for sql in step.sql:
                session.run(sql)
        session.run("INSERT INTO holder (id, name, age) VALUES (2, 'b', 8)")
        session.run("INSERT INTO holder (id, name, years) VALUES (3, 'c', 9)")
        session.run("INSERT INTO holder (id, name) VALUES (4, 'd')")
        session.run("UPDATE holder SET age = 70 WHERE id = 1; UPDATE holder SET years = 80 WHERE id = 2")
        rows = session.run("SELECT id, age, years FROM holder ORDER BY id")
        assert rows == [["1", "70", "70"], ["2", "80", "80"], ["3", "9", "9"], ["4", "1", "1"]]
        for step in found.plan.steps[found.plan.deploy :]:
            for sql in step.sql:
                session.run(sql)
        assert session.run("SELECT years FROM holder ORDER BY id") == [["70"], ["80"], ["9"], ["1"]]


def test_a_key_changes_its_type_with_all_that_is_built_on_it(server: Server) -> None:
    setup = TABLE + (
        "CREATE TABLE card (id serial PRIMARY KEY, holder_id bigint REFERENCES holder (id), digits integer CHECK"
        " (digits > 0), UNIQUE (digits, holder_id)); CREATE INDEX card_digits ON card (digits DESC)"
    )
    change = "ALTER TABLE card ALTER COLUMN id TYPE bigint; ALTER TABLE card ALTER COLUMN digits TYPE bigint"
    found = planned(server, setup, change)
    assert good(found), (found.unsafe, found.changes)
    assert all(not ran.stops for ran in found.trial.ran)


def test_a_value_that_does_not_fit_is_refused_and_never_cut_short(server: Server) -> None:
    found = planned(server, TABLE, "ALTER TABLE holder ALTER COLUMN name TYPE varchar(5)")
    backfill = next(step for step in found.plan.steps if step.mode == "batch")
    with server.database() as name, server.connect(name) as session:
        session.run(TABLE + "INSERT INTO holder (id, name) VALUES (1, 'much too long')")
        for sql in found.plan.steps[0].sql:
            session.run(sql)
        with pytest.raises(Exception, match="value too long"):
            session.run(backfill.sql[0])
        session.run("UPDATE holder SET name = 'still the old application' WHERE id = 1")


def test_what_depends_on_a_renamed_column_waits_with_it(server: Server) -> None:
    change = "ALTER TABLE holder RENAME COLUMN email TO mail; CREATE INDEX holder_mail ON holder (mail)"
    found = planned(server, TABLE, change)
    assert found.verified
    assert statements(found, "contract")[-1] == "CREATE INDEX CONCURRENTLY holder_mail ON holder USING btree (mail)"


def test_an_index_of_a_partitioned_table_is_built_partition_by_partition(server: Server) -> None:
    setup = (
        "CREATE TABLE transfer (block bigint NOT NULL, amount numeric) PARTITION BY RANGE (block);"
        "CREATE TABLE transfer_1 PARTITION OF transfer FOR VALUES FROM (0) TO (1000);"
        "CREATE TABLE transfer_2 PARTITION OF transfer FOR VALUES FROM (1000) TO (2000)"
    )
    found = planned(server, setup, "CREATE INDEX transfer_amount ON transfer (amount)")
    assert good(found)
    assert sum("CONCURRENTLY" in sql for sql in statements(found)) == 2
    assert sum("ATTACH PARTITION" in sql for sql in statements(found)) == 2


def test_a_table_renamed_is_written_under_both_names(server: Server) -> None:
    found = planned(server, TABLE, "ALTER TABLE holder RENAME TO investor")
    assert good(found)
    assert found.probes[0] > 5
    assert found.probes[1] > 5


def test_names_that_change_places_stay_as_they_were_written(server: Server) -> None:
    change = (
        "CREATE TABLE holder_new (id bigint PRIMARY KEY, label text); ALTER TABLE holder RENAME TO holder_old;"
        "ALTER TABLE holder_new RENAME TO holder"
    )
    found = planned(server, TABLE, change)
    assert found.verified
    assert any("old application fails" in u.what for u in found.unsafe)


def test_a_required_column_takes_the_value_that_was_chosen(server: Server) -> None:
    change = "ALTER TABLE holder ADD COLUMN country text NOT NULL"
    found = planned(server, TABLE, change, fills={"holder.country": "'CH'"})
    assert good(found)
    assert statements(found) == [
        "ALTER TABLE holder ADD COLUMN country text NOT NULL DEFAULT 'CH'",
        "ALTER TABLE public.holder ALTER COLUMN country DROP DEFAULT",
    ]


def test_a_serial_column_gets_its_numbers_in_batches(server: Server) -> None:
    found = planned(server, TABLE, "ALTER TABLE holder ADD COLUMN number serial UNIQUE")
    assert good(found), (found.unsafe, found.changes, statements(found))
    assert _step(found, "fill number").mode == "batch"


def test_work_on_rows_is_marked_where_it_can_be_cut_up(server: Server) -> None:
    setup = TABLE + "CREATE TABLE keyless (age integer);"
    change = (
        "CREATE TABLE copy (id bigint PRIMARY KEY, name text);"
        "UPDATE holder SET age = age + 1;"
        "INSERT INTO copy SELECT id, name FROM holder;"
        "INSERT INTO copy SELECT coalesce(max(id), 0) * 0 - 1, 'last' FROM holder;"
        "UPDATE holder SET age = (SELECT max(age) FROM holder) WHERE id < 0;"
        "UPDATE keyless SET age = 2;"
    )
    found = planned(server, setup, change)
    marked = ["pgassay: batch" in sql for step in found.plan.steps for sql in step.sql]
    assert marked == [False, True, True, False, False, False]
    said = [step.why for step in found.plan.steps]
    assert "it stays in one piece: it aggregates (max)" in said[3]
    unsafe = " ".join(u.what for u in found.unsafe)
    assert "it stays in one piece: it reads holder, which it changes" in unsafe
    assert "keyless has no key" in unsafe and "aggregates" not in unsafe
    assert any("is a comment to any other runner" in note for note in found.notes)
    assert found.verified


def test_a_new_label_is_committed_before_it_is_used(server: Server) -> None:
    setup = "CREATE TYPE kind AS ENUM ('a'); CREATE TABLE thing (id bigint PRIMARY KEY, kind kind NOT NULL)"
    found = planned(server, setup, "ALTER TYPE kind ADD VALUE 'b'; ALTER TABLE thing ALTER COLUMN kind SET DEFAULT 'b'")
    assert good(found)
    assert len(found.plan.steps) == 2


def test_a_column_dropped_and_added_again_waits_in_its_order(server: Server) -> None:
    change = "ALTER TABLE holder DROP COLUMN email; ALTER TABLE holder ADD COLUMN email integer"
    found = planned(server, TABLE, change)
    assert found.verified
    assert statements(found, "contract") == change.split("; ")


def test_a_required_column_that_goes_is_loosened_for_the_new_application(server: Server) -> None:
    found = planned(server, TABLE, "ALTER TABLE holder DROP COLUMN name")
    assert good(found)
    assert statements(found, "expand") == ["ALTER TABLE public.holder ALTER COLUMN name DROP NOT NULL"]


def test_a_materialized_view_with_a_key_is_refreshed_beside_its_readers(server: Server) -> None:
    setup = (
        TABLE + "CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) FROM holder GROUP BY age;"
        "CREATE UNIQUE INDEX ages_age ON ages (age)"
    )
    found = planned(server, setup, "REFRESH MATERIALIZED VIEW ages")
    assert good(found)
    assert statements(found) == ["REFRESH MATERIALIZED VIEW CONCURRENTLY ages"]


def test_a_key_that_others_point_at_becomes_wider(server: Server) -> None:
    setup = (
        "CREATE TABLE token (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, symbol text NOT NULL);"
        "CREATE TABLE holder (id bigint PRIMARY KEY, token_id integer NOT NULL REFERENCES token)"
    )
    change = "ALTER TABLE token ALTER id TYPE bigint; ALTER TABLE holder ALTER token_id TYPE bigint"
    found = planned(server, setup, change)
    assert good(found), (found.unsafe, found.changes)
    with server.database() as name, server.connect(name) as session:
        session.run(setup + "; INSERT INTO token (symbol) VALUES ('a'), ('b'); INSERT INTO holder VALUES (1, 2)")
        for step in found.plan.steps:
            for sql in step.sql:
                session.run(sql)
        assert session.value("INSERT INTO token (symbol) VALUES ('c') RETURNING id") == "3"
        with pytest.raises(Exception, match="holder_token_id_fkey"):
            session.run("INSERT INTO holder VALUES (2, 99)")


def test_a_key_of_a_partitioned_table_is_built_partition_by_partition(server: Server) -> None:
    setup = (
        "CREATE TABLE transfer (block bigint NOT NULL, log integer) PARTITION BY RANGE (block);"
        "CREATE TABLE transfer_1 PARTITION OF transfer FOR VALUES FROM (0) TO (1000)"
    )
    found = planned(server, setup, "ALTER TABLE transfer ADD CONSTRAINT once UNIQUE (block, log)")
    assert good(found), found.unsafe


def test_what_a_table_s_own_trigger_does_in_a_backfill_is_said(server: Server) -> None:
    setup = TABLE + (
        "ALTER TABLE holder ADD changed timestamptz NOT NULL DEFAULT '2020-01-01';"
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.changed := now(); RETURN new; END';"
        "CREATE TRIGGER touch BEFORE UPDATE ON holder FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    found = planned(server, setup, "ALTER TABLE holder RENAME name TO label")
    assert found.verified and not found.safe
    assert "fires touch" in found.unsafe[0].what


def test_the_new_application_is_tried_before_a_contract_with_nothing_before_it(server: Server) -> None:
    setup = (
        "CREATE TABLE transfer (block bigint NOT NULL, log integer) PARTITION BY RANGE (block);"
        "CREATE TABLE transfer_1 PARTITION OF transfer FOR VALUES FROM (0) TO (1000)"
    )
    found = planned(server, setup, "ALTER TABLE transfer RENAME block TO height")
    assert found.verified
    assert "until the old one is gone" in found.unsafe[0].what


@pytest.mark.skipif(not Path("/usr/lib/postgresql/15/bin").is_dir(), reason="needs PostgreSQL 15")
def test_not_null_by_a_check_before_postgresql_18() -> None:
    with scratch(find_binaries(15)) as server:
        found = planned(server, TABLE, "ALTER TABLE holder ALTER COLUMN age TYPE bigint")
        assert good(found), (found.unsafe, found.changes)
        assert any("CHECK (age_new IS NOT NULL) NOT VALID" in sql for sql in statements(found))


def test_columns_are_merged_while_the_old_application_writes(server: Server) -> None:
    merge = (
        "ALTER TABLE holder ADD label text; UPDATE holder SET label = name || ' ' || age;"
        " ALTER TABLE holder ALTER label SET NOT NULL; ALTER TABLE holder DROP name, DROP age"
    )
    found = planned(server, TABLE, merge)
    assert good(found), found.unsafe
    with server.database() as name, server.connect(name) as session:
        session.run(TABLE)
        session.run("INSERT INTO holder VALUES (1, 'a', 2)")
        for step in found.plan.steps[: found.plan.deploy]:
            session.run(";".join(step.sql))
        session.run("INSERT INTO holder VALUES (2, 'b', 3); UPDATE holder SET age = 9 WHERE id = 1")
        session.run("INSERT INTO holder (id, label) VALUES (3, 'c')")
        assert session.run("SELECT label FROM holder ORDER BY id") == [["a 9"], ["b 3"], ["c"]]
        for step in found.plan.steps[found.plan.deploy :]:
            session.run(";".join(step.sql))
        assert session.run("SELECT label FROM holder ORDER BY id") == [["a 9"], ["b 3"], ["c"]]


def test_what_is_written_after_a_copy_to_another_table_is_said_to_be_lost(server: Server) -> None:
    split = (
        "CREATE TABLE mail (holder bigint PRIMARY KEY, email text);"
        " INSERT INTO mail SELECT id, email FROM holder; ALTER TABLE holder DROP email"
    )
    found = planned(server, TABLE, split)
    assert found.verified
    assert ["public.holder.email after this step does not reach mail" in u.what for u in found.unsafe] == [True]


def test_a_partition_brings_its_key_along(server: Server) -> None:
    setup = (
        "CREATE TABLE transfer (block bigint PRIMARY KEY) PARTITION BY RANGE (block);"
        "CREATE TABLE transfer_1 (block bigint NOT NULL, CHECK (block >= 0 AND block < 9000))"
    )
    change = "ALTER TABLE transfer ATTACH PARTITION transfer_1 FOR VALUES FROM (0) TO (9000)"
    found = planned(server, setup, change)
    assert found.verified
    assert any(sql.startswith("CREATE UNIQUE INDEX CONCURRENTLY transfer_1_pkey") for sql in statements(found))
    assert not any("index build" in u.what for u in found.unsafe)


def test_a_serial_column_becomes_an_identity_in_one_transaction(server: Server) -> None:
    change = (
        "ALTER TABLE bill ALTER id DROP DEFAULT; DROP SEQUENCE bill_id_seq;"
        " ALTER TABLE bill ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;"
        " SELECT setval(pg_get_serial_sequence('bill', 'id'), coalesce(max(id), 0) + 1, false) FROM bill"
    )
    found = planned(server, "CREATE TABLE bill (id serial PRIMARY KEY, n int)", change)
    assert good(found), found.unsafe
    assert len(found.plan.steps) == 1


def test_times_that_get_a_zone_get_the_session_s(server: Server) -> None:
    setup = "CREATE TABLE place (id bigint PRIMARY KEY, seen timestamp)"
    found = planned(server, setup, "ALTER TABLE place ALTER seen TYPE timestamptz")
    assert good(found), found.unsafe
    assert any("TimeZone" in note for note in found.notes)
