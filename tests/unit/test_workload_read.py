"""Workloads in files: SQL with its comments, logs of each style, rows of pg_stat_statements."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.catalog import ColumnStats
from pgassay.errors import InputError
from pgassay.model import Name
from pgassay.sql.parameters import slots
from pgassay.workload import Query, read_workload
from pgassay.workload.arrays import read_array, write_array
from pgassay.workload.types import TypeFacts
from pgassay.workload.values import choose

values = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))


@given(st.lists(values, max_size=5))
def test_arrays_written_and_read_again_are_the_same(items: list[str | None]) -> None:
    assert read_array(write_array(items)) == items


def _read(tmp_path: Path, text: str, name: str = "app.sql") -> tuple[Query, ...]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_workload(path)


def test_comments_tell_calls_times_and_values(tmp_path: Path) -> None:
    (query,) = _read(
        tmp_path,
        '-- The feed\n-- calls: 1200\n-- total_ms: 34.5\n-- parameters: ["é", 10, null, true, {"a": 1}]\n'
        '-- parameters: [["x", 1.50, "y", false, []]]\nSELECT * FROM "T" WHERE a = $1 -- calls: 7\nLIMIT $2;\n',
    )
    assert (query.calls, query.total_ms, query.line) == (1200, 34.5, 6)
    assert query.parameters == (("é", "10", None, "true", '{"a": 1}'), ("x", "1.50", "y", "false", "[]"))
    assert query.text.startswith('SELECT * FROM "T"')


def test_each_comment_belongs_to_the_statement_below(tmp_path: Path) -> None:
    found = _read(tmp_path, "SELECT 1; -- calls: 9\n-- calls: 3\nSELECT 2;\nSELECT 3")
    assert [(q.text, q.calls, q.line) for q in found] == [("SELECT 1", 1, 1), ("SELECT 2", 3, 3), ("SELECT 3", 1, 4)]


def test_equal_statements_are_one_with_all_calls(tmp_path: Path) -> None:
    found = _read(tmp_path, "SELECT 1;\n-- calls: 4\nSELECT 1;\nSELECT 2;")
    assert [(q.text, q.calls) for q in found] == [("SELECT 1", 5), ("SELECT 2", 1)]


def test_prepare_and_execute(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        "PREPARE feed (text, int) AS SELECT * FROM t WHERE a = $1 LIMIT $2;\nPREPARE other AS SELECT 1;\n"
        "EXECUTE feed('x', 5);\n-- calls: 3\nEXECUTE feed(NULL, -1);\nEXECUTE feed(now()::text, 2);\nDEALLOCATE feed;",
    )
    assert [(q.text, q.calls, q.parameters) for q in found] == [
        ("SELECT * FROM t WHERE a = $1 LIMIT $2", 5, (("x", "5"), (None, "-1"))),
        ("SELECT 1", 1, ()),
    ]


@pytest.mark.parametrize("broken", ["SELEC 1;", "SELECT 'open;", "\\d t\n;", "SELECT $$x;"])
def test_broken_statements_do_not_end_the_reading(tmp_path: Path, broken: str) -> None:
    found = _read(tmp_path, f"SELECT 1;\n{broken}\nSELECT 2;\n")
    assert found[0].text == "SELECT 1"
    assert any("SELECT 2" in q.text for q in found)


def test_writes_and_mixed_case_stay_as_they_are(tmp_path: Path) -> None:
    text = "INSERT INTO \"Order\" (\"accountId\", note)\n  VALUES ('A;b', /* ; */ 'É')"
    (query,) = _read(tmp_path, f"{text};")
    assert query.text == text


@pytest.mark.parametrize("told", ["[1, ", '{"a": 1}', "nothing"])
def test_parameters_that_are_no_list(tmp_path: Path, told: str) -> None:
    with pytest.raises(InputError, match="JSON"):
        _read(tmp_path, f"-- parameters: {told}\nSELECT $1")


def test_rows_of_pg_stat_statements(tmp_path: Path) -> None:
    text = 'userid,query,calls,total_exec_time\n10,"SELECT ""A""\nFROM t",5,12.5\n10,SELECT 2,1,\n'
    found = _read(tmp_path, text, "rows.csv")
    assert [(q.text, q.calls, q.total_ms) for q in found] == [('SELECT "A"\nFROM t', 5, 12.5), ("SELECT 2", 1, None)]


LOG = """2024-05-01 10:00:00 UTC:10.0.0.1(1):app@shop:[123]:LOG:  duration: 2.000 ms  statement: SELECT *
\tFROM t WHERE a = 'x: LOG:  y'
2024-05-01 10:00:00 UTC:10.0.0.1(1):app@shop:[123]:ERROR:  relation "u" does not exist at character 15
2024-05-01 10:00:00 UTC:10.0.0.1(1):app@shop:[123]:STATEMENT:  SELECT * FROM u
2024-05-01 10:00:01 UTC:10.0.0.1(1):app@shop:[124]:LOG:  duration: 0.5 ms  bind p1: SELECT $1
2024-05-01 10:00:01 UTC:10.0.0.1(1):app@shop:[124]:DETAIL:  parameters: $1 = '1'
2024-05-01 10:00:01 UTC:10.0.0.1(1):app@shop:[124]:LOG:  duration: 1.5 ms  execute p1: SELECT $1
2024-05-01 10:00:01 UTC:10.0.0.1(1):app@shop:[124]:DETAIL:  parameters: $1 = 'it''s'
2024-05-01 10:00:02 UTC:10.0.0.1(1):app@shop:[123]:LOG:  statement: UPDATE t SET a = 1 WHERE id = 2
2024-05-01 10:00:02 UTC:10.0.0.1(1):app@shop:[123]:LOG:  statement: UPDATE t SET a = 1 WHERE id = 3
2024-05-01 10:00:03 UTC:10.0.0.1(1):app@shop:[123]:LOG:  duration: 9 ms  statement: COMMIT
2024-05-01 10:00:04 UTC:10.0.0.1(1):app@shop:[123]:LOG:  duration: 3 ms  statement: SELECT * FROM t WHERE id IN (1,2)
2024-05-01 10:00:04 UTC:10.0.0.1(1):app@shop:[123]:LOG:  duration: 5 ms  statement: SELECT * FROM t WHERE id IN (1,2,3)
2024-05-01 10:00:04 UTC:10.0.0.1(1):app@shop:[123]:LOG:  duration: 4 ms  statement: SELECT * FROM t WHERE id IN (7,8)
"""


def test_a_log_of_a_hosted_server(tmp_path: Path) -> None:
    found = {q.text: q for q in _read(tmp_path, LOG, "postgresql.log.2024-05-01")}
    assert {text: (q.calls, q.total_ms, q.parameters) for text, q in found.items()} == {
        "SELECT *\nFROM t WHERE a = 'x: LOG:  y'": (1, 2.0, ()),
        "SELECT $1": (1, 1.5, (("it's",),)),
        "UPDATE t SET a = $1 WHERE id = $2": (2, None, (("1", "2"), ("1", "3"))),
        "SELECT * FROM t WHERE id IN ($1,$2)": (3, 12.0, (("1", "2"), ("7", "8"))),
    }


def test_what_is_no_workload_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the workload"):
        read_workload(tmp_path / "missing.sql")


STATS = {
    Name("public", "t"): {
        "state": ColumnStats(
            null_frac=0.1, avg_width=4, n_distinct=3, most_common_vals=["a", "b"], most_common_freqs=[0.9, 0.1]
        ),
        "n": ColumnStats(
            null_frac=0, avg_width=4, n_distinct=-1, histogram_bounds=[str(i) for i in range(0, 1010, 10)]
        ),
    }
}


def _chosen(text: str, *kinds: TypeFacts) -> dict[str, tuple[str | None, ...]]:
    found = slots(text, {Name("public", "t"): ["state", "n"]})
    return dict(choose(found, kinds, STATS))


TEXT, INTEGER = TypeFacts("text", "text", "S"), TypeFacts("integer", "integer", "N")


def test_common_rare_and_absent() -> None:
    found = _chosen("SELECT * FROM t WHERE state = $1", TEXT)
    assert (found["common"], found["rare"]) == (("a",), ("b",))
    assert found["absent"][0] not in ("a", "b")
    assert "null" not in found


def test_a_range_encloses_a_tenth_and_then_everything() -> None:
    found = _chosen("SELECT * FROM t WHERE n >= $1 AND n < $2", INTEGER, INTEGER)
    assert (found["common"], found["wide"]) == (("500", "600"), ("0", "1000"))


def test_null_where_the_statement_provides_for_it() -> None:
    assert _chosen("SELECT * FROM t WHERE $1 IS NULL OR state = $1", TEXT)["null"] == (None,)
    assert _chosen("UPDATE t SET state = $1", TEXT)["null"] == (None,)


def test_limits_are_small_and_offsets_grow() -> None:
    found = _chosen("SELECT * FROM t LIMIT $1 OFFSET $2", INTEGER, INTEGER)
    assert found == {"common": ("10", "0"), "rare": ("1", "0"), "wide": ("100", "1000"), "last": ("10", "10000")}
