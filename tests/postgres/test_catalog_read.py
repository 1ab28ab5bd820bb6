"""Each kind of object, read from real servers: the default PostgreSQL and, where it is installed, 15."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pgassay.catalog import Catalog, Column, Constraint, Grant, Index, Table, compare, read
from pgassay.errors import ServerUnavailable
from pgassay.model import Name, quote
from pgassay.server import Connection, Server, StatementError, find_binaries, scratch

Seen = Callable[[str], Catalog]


@pytest.fixture(scope="module", params=["default", "15"])
def host(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "default":
        yield request.getfixturevalue("server")
        return
    try:
        binaries = find_binaries(int(request.param))
    except ServerUnavailable as absent:
        pytest.skip(str(absent))
    with scratch(binaries) as running:
        yield running


@pytest.fixture
def session(host: Server) -> Iterator[Connection]:
    with host.database() as name, host.connect(name) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared(host: Server) -> Iterator[Connection]:
    with host.database() as name, host.connect(name) as connection:
        yield connection


@pytest.fixture
def seen(shared: Connection) -> Iterator[Seen]:
    """Run SQL in a transaction that will be rolled back, then read."""

    def run(sql: str) -> Catalog:
        shared.run(sql)
        return read(shared)

    with shared.rolled_back():
        yield run


@pytest.fixture
def major(host: Server) -> int:
    """The major version."""
    return host.major


def t(catalog: Catalog, name: str = "t") -> Table:
    table = catalog.table(Name("public", name))
    assert table is not None
    return table


def a(catalog: Catalog, name: str = "a") -> Column:
    column = t(catalog).column(name)
    assert column is not None
    return column


def only(constraints: tuple[Constraint, ...]) -> Constraint:
    (constraint,) = constraints
    return constraint


def index(catalog: Catalog) -> Index:
    (found,) = t(catalog).indexes
    return found


PUBLIC_USAGE = (Grant(grantee="PUBLIC", privileges=("USAGE",)),)


# Databases and schemas


def test_empty_database(seen: Seen) -> None:
    catalog = seen("SELECT 1")
    assert [s.name for s in catalog.schemas] == ["public"]
    assert [e.name for e in catalog.extensions] == ["plpgsql"]
    assert replace(catalog, schemas=(), extensions=()) == Catalog()


def test_schema(seen: Seen) -> None:
    schema = seen("CREATE SCHEMA drizzle; COMMENT ON SCHEMA drizzle IS 'the runner''s'").schemas[0]
    assert (schema.name, schema.owner, schema.grants, schema.comment) == ("drizzle", "app_owner", (), "the runner's")


def test_schema_grants(seen: Seen) -> None:
    grants = seen("CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO pg_monitor").schemas[1].grants
    assert grants == (Grant(grantee="pg_monitor", privileges=("USAGE",)),)


def test_temporary_tables_are_left_out(seen: Seen) -> None:
    assert seen("CREATE TEMP TABLE t (a int); CREATE TEMP SEQUENCE s").tables == ()


def test_extension_objects_are_left_out(seen: Seen) -> None:
    catalog = seen("CREATE EXTENSION hstore; CREATE TABLE t (a hstore)")
    assert [(e.name, e.schema) for e in catalog.extensions] == [("hstore", "public"), ("plpgsql", "pg_catalog")]
    assert (catalog.routines, a(catalog).type) == ((), "public.hstore")


# Columns


def test_plain_column(seen: Seen) -> None:
    catalog = seen("CREATE TABLE t (a numeric(78,0) NOT NULL DEFAULT 7)")
    assert a(catalog) == Column(
        name="a", type="numeric(78,0)", base="numeric", category="N", not_null=True, default="7"
    )


@pytest.mark.parametrize(
    ("written", "type", "base", "element"),
    [
        ("varchar(42)", "character varying(42)", "character varying", None),
        ("timestamptz(3)", "timestamp(3) with time zone", "timestamp with time zone", None),
        ("numeric(10,2)[]", "numeric(10,2)[]", "numeric[]", "numeric(10,2)"),
        ("addr", "public.addr", "text", None),
        ("addr2", "public.addr2", "text", None),
        ("addr[]", "public.addr[]", "public.addr[]", "public.addr"),
        ("list", "public.list", "numeric[]", "numeric(5,0)"),
        ('"Colour"', 'public."Colour"', 'public."Colour"', None),
        ("bytea", "bytea", "bytea", None),
        ('"char"', '"char"', '"char"', None),
    ],
)
def test_types(seen: Seen, written: str, type: str, base: str, element: str | None) -> None:
    catalog = seen(
        "CREATE TYPE \"Colour\" AS ENUM ('r'); CREATE DOMAIN addr AS text; CREATE DOMAIN addr2 AS addr;"
        f" CREATE DOMAIN list AS numeric(5)[]; CREATE TABLE t (a {written})"
    )
    assert (a(catalog).type, a(catalog).base, a(catalog).element) == (type, base, element)


def test_lookup_by_a_columns_type(seen: Seen) -> None:
    catalog = seen('CREATE TYPE "C" AS ENUM (\'r\'); CREATE DOMAIN d AS "C"; CREATE TABLE t (a d, b "C"[])')
    assert catalog.domain(a(catalog).type) == catalog.domains[0]
    assert catalog.enum(a(catalog).base) == catalog.enum(a(catalog, "b").element) == catalog.enums[0]
    assert catalog.enum(a(catalog, "b").type) is None


def test_required(seen: Seen) -> None:
    table = t(
        seen(
            "CREATE DOMAIN must AS int NOT NULL; CREATE DOMAIN can AS must DEFAULT 1; CREATE TABLE t (a int, b int NOT"
            " NULL, c int NOT NULL DEFAULT 1, d int GENERATED ALWAYS AS IDENTITY, e must, f can, g serial,"
            " h int NOT NULL GENERATED ALWAYS AS (1) STORED)"
        )
    )
    assert [c.name for c in table.columns if c.required] == ["b", "e"]


@pytest.mark.parametrize("how", ["always", "by default"])
def test_identity(seen: Seen, how: str) -> None:
    catalog = seen(f"CREATE TABLE t (a bigint GENERATED {how} AS IDENTITY (START 5))")
    (sequence,) = catalog.sequences
    assert (a(catalog).identity, a(catalog).owned_sequence) == (how, sequence.name)
    assert (sequence.identity, sequence.start, sequence.owned_by) == (True, 5, (Name("public", "t"), "a"))


def test_serial(seen: Seen) -> None:
    catalog = seen("CREATE TABLE t (a serial)")
    assert (a(catalog).default, a(catalog).identity) == ("nextval('public.t_a_seq'::regclass)", None)
    assert (catalog.sequences[0].owned_by, catalog.sequences[0].identity) == ((Name("public", "t"), "a"), False)


def test_generated_stored(seen: Seen) -> None:
    column = a(seen("CREATE TABLE t (b int, a int GENERATED ALWAYS AS (b * 2) STORED)"))
    assert (column.generated, column.expression, column.default) == ("stored", "(b * 2)", None)


def test_generated_virtual(seen: Seen, major: int) -> None:
    if major < 18:
        pytest.skip("virtual columns came with PostgreSQL 18")
    column = a(seen("CREATE TABLE t (b int, a int GENERATED ALWAYS AS (b * 2) VIRTUAL)"))
    assert (column.generated, column.expression) == ("virtual", "(b * 2)")


def test_collation(seen: Seen) -> None:
    catalog = seen('CREATE TABLE t (a text COLLATE "C", b text, c text COLLATE "default")')
    assert [c.collation for c in t(catalog).columns] == ['"C"', None, None]


def test_storage_and_compression(seen: Seen) -> None:
    column = a(
        seen("CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER a SET COMPRESSION pglz")
    )
    assert (column.storage, column.compression) == ("external", "pglz")


def test_column_settings(seen: Seen) -> None:
    column = a(seen("CREATE TABLE t (a int); ALTER TABLE t ALTER a SET STATISTICS 7, ALTER a SET (n_distinct = -0.5)"))
    assert (column.statistics, column.options) == (7, ("n_distinct=-0.5",))


def test_dropped_columns_are_gone(seen: Seen) -> None:
    assert [c.name for c in t(seen("CREATE TABLE t (a int, b int); ALTER TABLE t DROP a")).columns] == ["b"]


# Tables


def test_table(seen: Seen) -> None:
    table = t(seen("CREATE UNLOGGED TABLE t () WITH (fillfactor = 70)"))
    assert table == Table(name=Name("public", "t"), unlogged=True, options=("fillfactor=70",))


def test_toast_options(seen: Seen) -> None:
    assert t(seen("CREATE TABLE t (a text) WITH (toast.vacuum_truncate = off)")).options == (
        "toast.vacuum_truncate=off",
    )


def test_inheritance(seen: Seen) -> None:
    catalog = seen("CREATE TABLE p (a int CHECK (a > 0)); CREATE TABLE t () INHERITS (p)")
    assert t(catalog).inherits == (Name("public", "p"),)
    assert (a(catalog).inherited, only(t(catalog).constraints).inherited) == (True, True)
    assert (t(catalog, "p").columns[0].inherited, only(t(catalog, "p").constraints).inherited) == (False, False)


PARTITIONS = """
CREATE TABLE t (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
CREATE TABLE t1a PARTITION OF t1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE t2 PARTITION OF t DEFAULT;
CREATE TABLE r (id int, at date, FOREIGN KEY (id, at) REFERENCES t);
"""


def test_partitions_of_several_levels(seen: Seen) -> None:
    catalog = seen(PARTITIONS)
    assert [(x.name.name, x.kind, x.partition_key, x.partition_bound, str(x.partition_of)) for x in catalog.tables] == [
        ("r", "table", None, None, "None"),
        ("t", "partitioned table", "RANGE (at)", None, "None"),
        ("t1", "partitioned table", "HASH (id)", "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')", "public.t"),
        ("t1a", "table", None, "FOR VALUES WITH (modulus 1, remainder 0)", "public.t1"),
        ("t2", "table", None, "DEFAULT", "public.t"),
    ]


def test_partitions_mark_what_they_inherit(seen: Seen) -> None:
    catalog = seen(PARTITIONS)
    assert [(x.name.name, c.inherited) for x in catalog.tables for c in x.constraints if c.kind == "primary key"] == [
        ("t", False), ("t1", True), ("t1a", True), ("t2", True),
    ]  # fmt: skip
    assert [i.partition_of for i in t(catalog, "t1a").indexes] == [Name("public", "t1_pkey")]


def test_a_key_to_a_partitioned_table_is_one_constraint(seen: Seen) -> None:
    assert only(t(seen(PARTITIONS), "r").constraints).references == Name("public", "t")


def test_detach_and_attach_is_no_change(seen: Seen) -> None:
    before = seen(PARTITIONS)
    detached = seen("ALTER TABLE t DETACH PARTITION t2")
    assert "table public.t2: partition of public.t → none" in [str(c) for c in compare(before, detached)]
    assert compare(before, seen("ALTER TABLE t ATTACH PARTITION t2 DEFAULT")) == ()


@pytest.mark.parametrize("identity", ["default", "full", "nothing", "index t_a_key"])
def test_replica_identity(seen: Seen, identity: str) -> None:
    sql = identity.replace("index", "USING INDEX")
    assert (
        t(seen(f"CREATE TABLE t (a int NOT NULL UNIQUE); ALTER TABLE t REPLICA IDENTITY {sql}")).replica_identity
        == identity
    )


def test_rules(seen: Seen) -> None:
    sql = "CREATE TABLE t (a int); CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING; ALTER TABLE t DISABLE RULE r"
    assert t(seen(sql)).rules == (
        "CREATE RULE r AS\n    ON DELETE TO public.t DO INSTEAD NOTHING;\nALTER TABLE public.t DISABLE RULE r;",
    )


# Constraints


def test_primary_key(seen: Seen) -> None:
    key = t(seen("CREATE TABLE t (b int, a int, CONSTRAINT k PRIMARY KEY (a, b))")).primary_key
    assert key == Constraint(
        name="k", kind="primary key", columns=("a", "b"), definition="PRIMARY KEY (a, b)", index="k"
    )


def test_unique(seen: Seen) -> None:
    unique = only(t(seen("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")).constraints)
    assert (unique.kind, unique.deferrable, unique.deferred, unique.index) == ("unique", True, True, "t_a_key")


def test_check(seen: Seen) -> None:
    check = only(t(seen("CREATE TABLE t (a int, b int, CHECK (a > b))")).constraints)
    assert (check.kind, check.columns, check.expression) == ("check", ("a", "b"), "(a > b)")


def test_foreign_key(seen: Seen) -> None:
    key = t(
        seen(
            "CREATE TABLE p (x int, y int, UNIQUE (y, x)); CREATE TABLE t (a int, b int, CONSTRAINT f FOREIGN KEY"
            " (b, a) REFERENCES p (y, x) ON DELETE CASCADE ON UPDATE SET NULL)"
        )
    ).foreign_keys[0]
    assert (key.columns, key.references, key.referenced_columns) == (("b", "a"), Name("public", "p"), ("y", "x"))
    assert (key.on_delete, key.on_update, key.index) == ("cascade", "set null", None)


def test_not_valid(seen: Seen) -> None:
    catalog = seen("CREATE TABLE t (a int); ALTER TABLE t ADD CHECK (a > 0) NOT VALID")
    assert not only(t(catalog).constraints).validated
    (change,) = compare(catalog, seen("ALTER TABLE t VALIDATE CONSTRAINT t_a_check"))
    assert str(change) == "constraint public.t.t_a_check: definition CHECK ((a > 0)) NOT VALID → CHECK ((a > 0))"


def test_not_enforced(seen: Seen, major: int) -> None:
    if major < 18:
        pytest.skip("NOT ENFORCED came with PostgreSQL 18")
    assert not only(t(seen("CREATE TABLE t (a int CHECK (a > 0) NOT ENFORCED)")).constraints).enforced


def test_exclusion(seen: Seen) -> None:
    catalog = seen("CREATE TABLE t (a int4range, EXCLUDE USING gist (a WITH &&))")
    assert only(t(catalog).constraints).kind == "exclude"
    assert (index(catalog).exclusion, index(catalog).constraint) == (True, "t_a_excl")


def test_names_of_not_null_constraints_do_not_count(seen: Seen) -> None:
    before = seen("CREATE TABLE t (a int NOT NULL)")
    after = seen("DROP TABLE t; CREATE TABLE t (b int CONSTRAINT mine NOT NULL); ALTER TABLE t RENAME b TO a")
    assert compare(before, after) == ()


def test_not_null_not_valid(seen: Seen, major: int) -> None:
    if major < 18:
        pytest.skip("NOT NULL … NOT VALID came with PostgreSQL 18")
    catalog = seen("CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID")
    constraint = only(t(catalog).constraints)
    assert (constraint.kind, constraint.validated, a(catalog).not_null) == ("not null", False, True)


# Indexes


def test_plain_index(seen: Seen) -> None:
    assert index(seen("CREATE TABLE t (a int, b int); CREATE INDEX i ON t (b, a)")) == Index(
        name="i", method="btree", keys=("b", "a"), columns=("b", "a"),
        definition="CREATE INDEX i ON public.t USING btree (b, a)",
    )  # fmt: skip


def test_expression_and_partial_index(seen: Seen) -> None:
    found = index(seen("CREATE TABLE t (a text, b int); CREATE INDEX ON t (lower(a), b) WHERE b > 0"))
    assert (found.keys, found.columns, found.where) == (("lower(a)", "b"), (None, "b"), "(b > 0)")


def test_include(seen: Seen) -> None:
    found = index(seen("CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX ON t (a) INCLUDE (b)"))
    assert (found.columns, found.include, found.unique) == (("a",), ("b",), True)


def test_directions_and_operator_classes(seen: Seen) -> None:
    found = index(seen("CREATE TABLE t (a text, b int); CREATE INDEX i ON t (a text_pattern_ops, b DESC NULLS LAST)"))
    assert found.definition.endswith("(a text_pattern_ops, b DESC NULLS LAST)")


def test_nulls_not_distinct(seen: Seen) -> None:
    assert not index(seen("CREATE TABLE t (a int); CREATE UNIQUE INDEX ON t (a) NULLS NOT DISTINCT")).nulls_distinct


def test_methods_and_clustering(seen: Seen) -> None:
    found = index(seen("CREATE TABLE t (a int[]); CREATE INDEX i ON t USING gin (a)"))
    assert (found.method, found.clustered) == ("gin", False)
    assert t(seen("CREATE INDEX j ON t (a); ALTER TABLE t CLUSTER ON j")).indexes[1].clustered


def test_invalid_index(session: Connection) -> None:
    session.run("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
    with pytest.raises(StatementError):
        session.run("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    assert not index(read(session)).valid


# Sequences and types


def test_sequence(seen: Seen) -> None:
    (s,) = seen("CREATE SEQUENCE s AS smallint START 3 INCREMENT -2 MINVALUE -9 MAXVALUE 4 CACHE 5 CYCLE").sequences
    assert (s.type, s.start, s.increment, s.minimum, s.maximum, s.cache, s.cycle) == ("smallint", 3, -2, -9, 4, 5, True)
    assert s.owned_by is None


def test_advancing_a_sequence_is_no_change(seen: Seen) -> None:
    assert seen("CREATE SEQUENCE s") == seen("SELECT nextval('s')")


def test_enum(seen: Seen) -> None:
    (enum,) = seen("CREATE TYPE e AS ENUM ('a', 'c'); ALTER TYPE e ADD VALUE 'b' BEFORE 'c'").enums
    assert (enum.name, enum.labels, enum.grants) == (Name("public", "e"), ("a", "b", "c"), PUBLIC_USAGE)


def test_domain(seen: Seen) -> None:
    (domain,) = seen("CREATE DOMAIN d AS varchar(9) COLLATE \"C\" DEFAULT 'x' NOT NULL CHECK (VALUE <> '')").domains
    assert (domain.type, domain.base, domain.category) == ("character varying(9)", "character varying", "S")
    assert (domain.not_null, domain.default, domain.collation) == (True, "'x'::character varying", '"C"')
    assert [c.expression for c in domain.constraints] == ["((VALUE)::text <> ''::text)"]


def test_composite(seen: Seen) -> None:
    (composite,) = seen("CREATE TYPE c AS (a int, b text[])").composites
    assert [(x.name, x.type) for x in composite.attributes] == [("a", "integer"), ("b", "text[]")]


def test_range(seen: Seen) -> None:
    (found,) = seen(
        'CREATE TYPE r AS RANGE (subtype = text, collation = "C", subtype_opclass = text_pattern_ops)'
    ).ranges
    assert (found.subtype, found.collation, found.operator_class) == ("text", '"C"', "text_pattern_ops")
    assert found.multirange == "public.r_multirange"


# Views, routines, triggers


def test_view(seen: Seen) -> None:
    sql = "CREATE TABLE t (a int); CREATE VIEW v (x) WITH (security_invoker = true) AS SELECT a FROM t"
    (view,) = seen(sql).views
    assert " ".join(view.definition.split()) in ("SELECT a AS x FROM public.t;", "SELECT t.a AS x FROM public.t;")
    assert ([c.name for c in view.columns], view.options) == (["x"], ("security_invoker=true",))


def test_materialized_view(seen: Seen) -> None:
    (view,) = seen("CREATE MATERIALIZED VIEW m AS SELECT 1 AS a WITH NO DATA; CREATE UNIQUE INDEX i ON m (a)").views
    assert (view.materialized, view.populated, [i.name for i in view.indexes]) == (True, False, ["i"])


def test_function(seen: Seen) -> None:
    (f,) = seen(
        "CREATE FUNCTION f(a int, OUT b int) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''"
        " AS 'SELECT a'; REVOKE EXECUTE ON FUNCTION f FROM PUBLIC"
    ).routines
    assert (f.name, f.arguments, f.kind, f.result) == (
        Name("public", "f"),
        "a integer, OUT b integer",
        "function",
        "integer",
    )
    assert (f.language, f.volatility, f.security_definer, f.grants) == ("sql", "stable", True, ())
    assert "SET search_path TO ''" in f.definition


def test_overloads_are_two(seen: Seen) -> None:
    catalog = seen(
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE f(text) LANGUAGE sql AS ''"
    )
    assert [(r.kind, r.arguments, r.result) for r in catalog.routines] == [
        ("procedure", "IN text", None), ("function", "integer", "integer"),
    ]  # fmt: skip


def test_everyone_may_execute(seen: Seen) -> None:
    (f,) = seen("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'").routines
    assert f.grants == (Grant(grantee="PUBLIC", privileges=("EXECUTE",)),)


@pytest.mark.parametrize(
    "body",
    [
        "a(int) (SFUNC = int4pl, STYPE = integer, INITCOND = '0')",
        "a(float8) (SFUNC = float8_accum, STYPE = float8[], FINALFUNC = float8_avg, COMBINEFUNC = float8_combine,"
        " INITCOND = '{0,0,0}', PARALLEL = safe)",
        "a(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0')",
        "a(VARIADIC int[]) (SFUNC = own, STYPE = int)",
        "a(float8 ORDER BY int) (SFUNC = int4pl, STYPE = int, FINALFUNC = last, FINALFUNC_EXTRA, INITCOND = '0')",
        "a(int ORDER BY int) (SFUNC = int4pl, STYPE = int, HYPOTHETICAL)",
        "a(int) (SFUNC = int4pl, STYPE = int, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int, MINITCOND = '0')",
        "a(int) (SFUNC = int4larger, STYPE = int, SORTOP = >)",
    ],
)
def test_aggregate(seen: Seen, body: str) -> None:
    sql = "CREATE FUNCTION own(int, VARIADIC int[]) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    sql += "CREATE FUNCTION last(int, float8, int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE "
    before = seen(sql + body)
    aggregate = next(r for r in before.routines if r.kind == "aggregate")
    again = f"DROP AGGREGATE a({aggregate.arguments or '*'}); SET search_path = ''; {aggregate.definition}"
    assert compare(before, seen(again)) == ()


def test_trigger(seen: Seen) -> None:
    sql = (
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return null; end';"
        " CREATE TRIGGER g AFTER UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f();"
        " CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f();"
        " ALTER TABLE t DISABLE TRIGGER g"
    )
    table = t(seen(sql))
    assert [(g.name, g.enabled, g.function) for g in table.triggers] == [
        ("c", "origin", Name("public", "f")), ("g", "disabled", Name("public", "f")),
    ]  # fmt: skip
    assert "CONSTRAINT TRIGGER" in table.triggers[0].definition and table.constraints == ()


def test_foreign_keys_show_no_triggers(seen: Seen) -> None:
    assert t(seen("CREATE TABLE t (a int PRIMARY KEY REFERENCES t)")).triggers == ()


def test_triggers_of_partitions(seen: Seen) -> None:
    catalog = seen(
        PARTITIONS + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return null; end';"
        "CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    assert [(x.name.name, g.inherited) for x in catalog.tables for g in x.triggers] == [
        ("t", False), ("t1", True), ("t1a", True), ("t2", True),
    ]  # fmt: skip


# Row security and grants


def test_policies(seen: Seen) -> None:
    table = t(
        seen(
            "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
            " CREATE POLICY p ON t USING (a > 0); CREATE POLICY q ON t AS RESTRICTIVE FOR INSERT TO pg_monitor,"
            " pg_read_all_data WITH CHECK (a < 9)"
        )
    )
    assert (table.row_security, table.force_row_security) == (True, True)
    p, q = table.policies
    assert (p.command, p.permissive, p.roles, p.using, p.check) == ("ALL", True, ("PUBLIC",), "(a > 0)", None)
    assert (q.command, q.permissive, q.using, q.check) == ("INSERT", False, None, "(a < 9)")
    assert q.roles == ("pg_monitor", "pg_read_all_data")


def test_row_security_off(seen: Seen) -> None:
    assert not t(seen("CREATE TABLE t (a int)")).row_security


def test_grants(seen: Seen) -> None:
    sql = (
        "CREATE TABLE t (a int, b int, c int); GRANT SELECT, INSERT ON t TO pg_monitor;"
        " GRANT DELETE ON t TO pg_monitor WITH GRANT OPTION; GRANT UPDATE (c, a), SELECT (b) ON t TO PUBLIC"
    )
    assert t(seen(sql)).grants == (
        Grant(grantee="pg_monitor", privileges=("INSERT", "SELECT")),
        Grant(grantee="pg_monitor", privileges=("DELETE",), grantable=True),
        Grant(grantee="PUBLIC", privileges=("SELECT",), columns=("b",)),
        Grant(grantee="PUBLIC", privileges=("UPDATE",), columns=("a", "c")),
    )


@pytest.mark.parametrize(
    "what",
    ["TABLE t", "SCHEMA s", "SEQUENCE q", "FUNCTION f", "TYPE e", "TYPE d", "TYPE c"],
)
def test_a_grant_taken_back_is_no_change(seen: Seen, what: str) -> None:
    before = seen(
        "CREATE TABLE t (a int); CREATE SCHEMA s; CREATE SEQUENCE q; CREATE TYPE e AS ENUM (); CREATE DOMAIN d AS int;"
        " CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE c AS (a int)"
    )
    granted = seen(f"GRANT ALL ON {what} TO pg_monitor")
    assert len(compare(before, granted)) == 1
    assert compare(before, seen(f"REVOKE ALL ON {what} FROM pg_monitor")) == ()


def test_an_owner_without_rights(seen: Seen) -> None:
    assert t(seen("CREATE TABLE t (a int); REVOKE ALL ON t FROM app_owner")).grants == (
        Grant(grantee="app_owner", privileges=()),
    )


# Comments, statistics, foreign tables


def test_comments(seen: Seen) -> None:
    catalog = seen(
        "CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0), b int); CREATE INDEX i ON t (a); CREATE POLICY p ON t;"
        " CREATE VIEW v AS SELECT a FROM t; CREATE SEQUENCE s; CREATE TYPE e AS ENUM (); CREATE DOMAIN d AS int"
        " CONSTRAINT dc CHECK (VALUE > 0); CREATE TYPE c AS (a int); CREATE TYPE r AS RANGE (subtype = int);"
        " CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return null; end';"
        " CREATE STATISTICS x ON a, b FROM t; CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f();"
        " COMMENT ON TABLE t IS 'of t'; COMMENT ON COLUMN t.a IS 'of t.a'; COMMENT ON CONSTRAINT c ON t IS 'of c';"
        " COMMENT ON INDEX i IS 'of i'; COMMENT ON POLICY p ON t IS 'of p'; COMMENT ON VIEW v IS 'of v';"
        " COMMENT ON COLUMN v.a IS 'of v.a'; COMMENT ON SEQUENCE s IS 'of s'; COMMENT ON TYPE e IS 'of e';"
        " COMMENT ON DOMAIN d IS 'of d'; COMMENT ON CONSTRAINT dc ON DOMAIN d IS 'of dc'; COMMENT ON TYPE c IS 'of c';"
        " COMMENT ON COLUMN c.a IS 'of c.a'; COMMENT ON TYPE r IS 'of r'; COMMENT ON FUNCTION f IS 'of f';"
        " COMMENT ON STATISTICS x IS 'of x'; COMMENT ON TRIGGER g ON t IS 'of g'"
    )
    table, view = t(catalog), catalog.views[0]
    assert [
        table.comment, table.columns[0].comment, table.constraints[0].comment, table.indexes[0].comment,
        table.policies[0].comment, table.triggers[0].comment, view.comment, view.columns[0].comment,
        catalog.sequences[0].comment, catalog.enums[0].comment, catalog.domains[0].comment,
        catalog.domains[0].constraints[0].comment, catalog.composites[0].comment,
        catalog.composites[0].attributes[0].comment, catalog.ranges[0].comment, catalog.routines[0].comment,
        catalog.statistics[0].comment,
    ] == [
        f"of {name}"
        for name in ["t", "t.a", "c", "i", "p", "g", "v", "v.a", "s", "e", "d", "dc", "c", "c.a", "r", "f", "x"]
    ]  # fmt: skip


def test_extended_statistics(seen: Seen) -> None:
    (s,) = seen(
        "CREATE TABLE t (a int, b int); CREATE STATISTICS s (ndistinct) ON a, b FROM t;"
        " ALTER STATISTICS s SET STATISTICS 9"
    ).statistics
    assert (s.name, s.table, s.target) == (Name("public", "s"), Name("public", "t"), 9)
    assert s.definition == "CREATE STATISTICS public.s (ndistinct) ON a, b FROM public.t"


@pytest.mark.parametrize(
    ("create", "drop", "line"),
    [
        ("CREATE COLLATION k (locale = 'C')", "DROP COLLATION k", "collation public.k: added"),
        ("CREATE CAST (e AS int) WITH FUNCTION f(e)", "DROP CAST (e AS int)", "cast (public.e AS integer): added"),
        (
            "CREATE OPERATOR === (LEFTARG = e, RIGHTARG = e, FUNCTION = g)", "DROP OPERATOR === (e, e)",
            "operator public.===(public.e,public.e): added",
        ),
        (
            "CREATE TEXT SEARCH CONFIGURATION s (COPY = simple)", "DROP TEXT SEARCH CONFIGURATION s",
            "text search configuration public.s: added",
        ),
        ("CREATE PUBLICATION p FOR TABLE u", "DROP PUBLICATION p", "publication p: added"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM pg_monitor",
            "default acl for role app_owner in schema public on tables: added",
        ),
    ],
)  # fmt: skip
def test_other_objects(seen: Seen, create: str, drop: str, line: str) -> None:
    before = seen(
        "CREATE TABLE u (a int); CREATE TYPE e AS ENUM ('a');"
        " CREATE FUNCTION f(e) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        " CREATE FUNCTION g(e, e) RETURNS bool LANGUAGE sql AS 'SELECT true'"
    )
    assert [str(change) for change in compare(before, seen(create))] == [line]
    assert compare(before, seen(drop)) == ()


# Names, settings and transactions

WEIRD = ['a "quoted" one', "UPPER", "select", "naïve–ключ", "x" * 63, "semi;colon", "back\\slash", "new\nline", "it's"]


@pytest.mark.parametrize("name", WEIRD, ids=range(len(WEIRD)))
def test_weird_names(seen: Seen, name: str) -> None:
    q = quote(name)
    catalog = seen(
        f"CREATE SCHEMA {q}; CREATE TYPE {q}.{q} AS ENUM ('v'); SET search_path = {q};"
        f"CREATE TABLE {q}.{q}t ({q} {q}.{q} PRIMARY KEY DEFAULT 'v', UNIQUE ({q}))".replace(f"{q}t", quote("t"))
    )
    table = catalog.table(Name(name, "t"))
    assert table is not None
    assert table.columns[0].name == name and table.columns[0].not_null
    assert catalog.enum(table.columns[0].type) == catalog.enum(table.columns[0].base) == catalog.enums[0]
    assert all(c.columns == (name,) for c in table.constraints)
    assert all(i.columns == (name,) and i.keys == (q,) for i in table.indexes)


RICH = (
    PARTITIONS
    + """
CREATE SCHEMA other; CREATE TYPE other.e AS ENUM ('a', 'b'); CREATE DOMAIN d AS numeric(78,0) CHECK (VALUE >= 0);
CREATE TABLE other.x (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, e other.e DEFAULT 'a', d d NOT NULL,
  at timestamptz DEFAULT '2024-05-01 12:00+02', i interval DEFAULT '1 day 02:00', b bytea DEFAULT '\\x00ff');
CREATE INDEX ON other.x (lower(b::text)) WHERE d > 1;
CREATE VIEW v AS SELECT x.id, x.e FROM other.x WHERE x.e = 'b' AND x.at > '2024-01-01';
CREATE FUNCTION f(other.e) RETURNS d LANGUAGE sql BEGIN ATOMIC SELECT d FROM other.x WHERE e = $1; END;
ALTER TABLE other.x ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON other.x USING (id < 9);
CREATE TABLE moments (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE moments_1 PARTITION OF moments FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
"""
)


def test_a_clone_is_equal(session: Connection, host: Server) -> None:
    session.run(RICH)
    original = read(session)
    session.close()
    with host.database(session.database) as name, host.connect(name) as clone:
        assert compare(original, read(clone)) == ()
        assert original == read(clone)


SETTINGS = {
    "search_path": "other, public", "timezone": "Asia/Tokyo", "datestyle": "German, DMY",
    "intervalstyle": "iso_8601", "bytea_output": "escape", "quote_all_identifiers": "on", "extra_float_digits": "0",
}  # fmt: skip


def shown(session: Connection) -> list[str]:
    return [str(session.value(f"SHOW {name}")) for name in SETTINGS]


@pytest.mark.parametrize("around", ["SET", "BEGIN; SET", "BEGIN; SET LOCAL", "BEGIN READ ONLY; SET"])
def test_settings_neither_matter_nor_change(session: Connection, around: str) -> None:
    session.run(RICH)
    plain, usual = read(session), shown(session)
    *begin, verb = around.split("; ")
    session.run(
        "; ".join(
            [
                *begin,
                *(
                    f"{verb} {name} = {value}" if name in ("search_path", "datestyle") else f"{verb} {name} = '{value}'"
                    for name, value in SETTINGS.items()
                ),
            ]
        )
    )
    before = shown(session)
    assert read(session) == plain
    assert shown(session) == before
    if begin:
        assert session.transaction == "open"
        session.run("COMMIT")
        assert shown(session) == (usual if "LOCAL" in verb else before)


def test_rollback_after_reading(session: Connection) -> None:
    usual = shown(session)
    with session.rolled_back():
        session.run("CREATE TABLE t (a int); SET LOCAL search_path = pg_catalog")
        assert len(read(session).tables) == 1
    assert shown(session) == usual
    assert read(session).tables == ()


def test_a_role_without_rights_reads_the_same(session: Connection, host: Server) -> None:
    session.run(RICH + "REVOKE ALL ON other.x FROM app_owner; REVOKE ALL ON SCHEMA other FROM app_owner")
    with host.connect(session.database, role="pgassay") as superuser:
        superuser.run("SET search_path = pg_catalog")
        assert read(superuser) == read(session)


def test_up_down_up(session: Connection) -> None:
    session.run(RICH)
    before = read(session)
    up = (
        "ALTER TABLE other.x ADD n int NOT NULL DEFAULT 0; CREATE INDEX n ON other.x (n);"
        " COMMENT ON TABLE other.x IS 'x'"
    )
    down = "ALTER TABLE other.x DROP n; COMMENT ON TABLE other.x IS NULL"
    session.run(up)
    after = read(session)
    session.run(down)
    assert compare(before, read(session)) == ()
    session.run(up)
    assert compare(after, read(session)) == ()
    assert [str(change) for change in compare(before, after)] == [
        "column other.x.n: added (integer not null)",
        "index other.n: added (CREATE INDEX n ON other.x USING btree (n))",
        "table other.x: comment none → x",
    ]


def test_many_tables_take_no_more_round_trips(session: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(60):
        session.run(
            f"CREATE TABLE t{n} (id bigint PRIMARY KEY, a text NOT NULL, b numeric(78,0), c timestamptz DEFAULT now(),"
            f" d int CHECK (d > 0), r bigint REFERENCES t{max(n - 1, 0)}, UNIQUE (a, b)); CREATE INDEX ON t{n} (r)"
        )
    sent: list[str] = []
    run = Connection.run

    def counted(self: Connection, sql: str, parameters: Iterable[str | int | float | bool | None] | None = None) -> Any:
        sent.append(sql)
        return run(self, sql, parameters)

    monkeypatch.setattr(Connection, "run", counted)
    assert len(read(session).tables) == 60
    assert len(sent) == 2
