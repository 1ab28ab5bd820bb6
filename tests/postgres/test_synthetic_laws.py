"""Laws of synthetic rows over random schemas."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.catalog import read
from pgassay.server import Server
from pgassay.twin import fill
from tests.postgres.test_synthetic import insert_spare

_TYPES = {
    "int": ["{c} > 3", "{c} BETWEEN -4 AND 900", "{c} <> 0", "{c} % 2 = 0"],
    "bigint": ["{c} >= 100", "NOT ({c} < 5)"],
    "numeric(9,3)": ["{c} > 0.5 AND {c} < 99", "{c} >= 0"],
    "text": ["length({c}) BETWEEN 2 AND 20", "{c} ~ '^[a-z]+[0-9]*$'", "{c} <> ''", "{c} IN ('a', 'b', 'c')"],
    "varchar(8)": ["{c} = lower({c})", "{c} LIKE 'a%'"],
    "timestamptz": ["{c} > '2024-06-01'", "{c} <= now()"],
    "date": ["{c} >= '2025-03-01' AND {c} < '2025-09-01'"],
    "boolean": ["{c}", "{c} IS NOT TRUE"],
    "uuid": [],
    "jsonb": ["jsonb_typeof({c}) = 'object'"],
    "int[]": ["cardinality({c}) > 0"],
    "bytea": ["octet_length({c}) = 20"],
}
_KEYS = ["int", "bigint", "text", "varchar(8)", "timestamptz", "date", "uuid", "numeric(9,3)"]


@st.composite
def schemas(draw: st.DrawFn) -> str:
    """One to three tables; each after the first may refer to an earlier one."""
    statements: list[str] = []
    parents: list[tuple[str, str]] = []
    for number in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(_KEYS))
        lines = [f"k {key} PRIMARY KEY"]
        types = [draw(st.sampled_from(sorted(_TYPES))) for _ in range(draw(st.integers(0, 5)))]
        for place, type_name in enumerate(types):
            rules = draw(st.lists(st.sampled_from(_TYPES[type_name]), max_size=1)) if _TYPES[type_name] else []
            checks = " ".join(f"CHECK ({rule.format(c=f'c{place}')})" for rule in rules)
            lines.append(f"c{place} {type_name} {draw(st.sampled_from(['', 'NOT NULL']))} {checks}")
        able = [
            place for place, type_name in enumerate(types) if type_name in _KEYS and "CHECK" not in lines[place + 1]
        ]
        if len(able) > 1 and draw(st.booleans()):
            lines.append(f"UNIQUE (c{able[0]}, c{able[1]})")
        place = draw(st.integers(0, len(parents)))
        if place < len(parents):
            parent, parent_key = parents[place]
            option = draw(st.sampled_from(["", "NOT NULL", "UNIQUE", "NOT NULL UNIQUE"]))
            lines.append(f"p {parent_key} {option} REFERENCES {parent}")
        if draw(st.booleans()):
            lines.append(f"up {key} REFERENCES t{number}")
        statements.append(f"CREATE TABLE t{number}({', '.join(lines)})")
        parents.append((f"t{number}", key))
    return "; ".join(statements)


@given(schemas(), st.integers(1, 60))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_schema_is_filled(server: Server, ddl: str, rows: int) -> None:
    with server.database() as name, server.connect(name) as connection:
        connection.run(ddl)
        catalog = read(connection)
        result = fill(connection, catalog, rows=rows)
        assert result.unfilled == (), ddl
        for table in catalog.tables:
            count = int(connection.value(f"SELECT count(*) FROM {table.name}") or 0)
            assert count == result.rows[table.name]
            # A unique reference leaves one parent without a child, and so on down.
            assert count == rows or 0 < rows - count < 4, ddl
            insert_spare(connection, table.name, result)
