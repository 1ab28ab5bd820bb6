"""Which statements can be sliced, and what the slices say."""

from __future__ import annotations

import pytest

from pgassay.errors import InputError
from pgassay.sql.batching import batchable
from pgassay.sql.row_rule import RowRule, row_rule


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 1", "not SELECT"),
        ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", "not MERGE"),
        ("INSERT INTO a VALUES (1)", "written in the statement"),
        ("INSERT INTO a SELECT x FROM b LIMIT 3", "LIMIT"),
        ("INSERT INTO a SELECT x FROM b OFFSET 3", "OFFSET"),
        ("INSERT INTO a SELECT DISTINCT x FROM b", "DISTINCT"),
        ("INSERT INTO a SELECT x, count(*) FROM b GROUP BY x", "GROUP BY"),
        ("INSERT INTO a SELECT count(*) FROM b HAVING count(*) > 1", "HAVING"),
        ("INSERT INTO a SELECT row_number() OVER () FROM b", "window function"),
        ("INSERT INTO a SELECT x FROM b UNION ALL SELECT x FROM c", "UNION"),
        ("INSERT INTO a SELECT c.x FROM b FULL JOIN c USING (x)", "no table"),
        ("INSERT INTO a SELECT x FROM generate_series(1, 3) AS x", "no table"),
        ("INSERT INTO a SELECT x FROM a", "reads a"),
        ("INSERT INTO a SELECT x FROM b WHERE x > (SELECT max(x) FROM a)", "reads a"),
        ("UPDATE a SET x = (SELECT max(x) FROM a)", "reads a"),
        ("UPDATE a SET x = c.x FROM a AS c WHERE c.y = a.y", "reads a"),
        ("DELETE FROM s.a USING a AS other WHERE a.x = other.x", "reads s.a"),
        ("WITH q AS (SELECT 1) DELETE FROM a", "WITH"),
        ("UPDATE a SET x = 1 WHERE CURRENT OF c", "cursor"),
        ("UPDATE a SET x = $1", "parameters"),
        ("UPDATE a SET x = 1; UPDATE b SET x = 1", "one statement"),
    ],
)
def test_what_depends_on_more_than_its_own_row_is_refused(sql: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        batchable(sql, "m.sql", 3)


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(InputError, match=r"^m\.sql:3: "):
        batchable("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", "m.sql", 3)


def test_the_range_binds_tighter_than_an_or() -> None:
    text = batchable("DELETE FROM a WHERE x OR y").sliced("a.id <= $1::bigint")
    assert "WHERE (x OR y) AND a.id <= $1::bigint" in text


def test_an_update_tells_which_rows_it_would_take_again() -> None:
    text = batchable("UPDATE a AS t SET x = 1 WHERE x IS NULL").sliced("t.id > $1::bigint AND t.id <= $2::bigint")
    assert "RETURNING COALESCE(x IS NULL, false) AS pgassay_again" in text


def test_the_left_side_of_a_left_join_is_gone_through() -> None:
    assert batchable("INSERT INTO a SELECT b.x, c.y FROM b LEFT JOIN c USING (x)").alias == "b"
    assert batchable("INSERT INTO a SELECT b.x, c.y FROM b RIGHT JOIN c USING (x)").alias == "c"


def test_an_insert_that_looks_itself_is_allowed() -> None:
    assert batchable("INSERT INTO a SELECT x FROM b WHERE NOT EXISTS (SELECT FROM a WHERE a.x = b.x)").guarded


def test_columns_mean_the_same_within_a_subquery() -> None:
    statement = batchable("INSERT INTO a (id, w) SELECT id, upper(w) FROM b AS s")
    assert statement.values == ("s.id", "upper(s.w)")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("DELETE FROM a WHERE x = 1", "it is no UPDATE"),
        ("UPDATE a SET x = 1", "it has no WHERE"),
        ("UPDATE a SET x = b.x FROM b WHERE b.id = a.id", "it reads other tables"),
        ("UPDATE a SET x = (SELECT max(y) FROM b) WHERE x IS NULL", "it reads other rows"),
        ("UPDATE a SET x = x || 'a' WHERE y", "it sets x from x itself"),
        ("UPDATE a SET x = y, y = 1 WHERE z", "it sets y from y itself"),
        ("UPDATE a SET x = current_user WHERE x IS NULL", "it asks who or when it is"),
        ("UPDATE a SET x = ctid::text WHERE x IS NULL", "it looks at ctid"),
        ("UPDATE a SET x = a::text WHERE x IS NULL", "it looks at a"),
        ("UPDATE a SET x = (a).y WHERE x IS NULL", "it looks at a"),
        ("UPDATE a SET x[1] = 2 WHERE y", "it sets a part of x"),
        ("UPDATE a SET x = DEFAULT WHERE y", "x gets no expression"),
        ("UPDATE a SET (x, y) = (1, 2) WHERE z", "x gets no expression"),
        ("UPDATE a SET x = public.a.y WHERE x IS NULL", "it names more than columns"),
    ],
)
def test_what_is_no_rule_of_a_row(sql: str, why: str) -> None:
    found = row_rule(batchable(sql))
    assert isinstance(found, str)
    assert why in found


def test_the_rule_of_a_row() -> None:
    found = row_rule(batchable("UPDATE s.a AS me SET x = upper(me.y), z = 1 WHERE x IS NULL AND w > 0"))
    assert isinstance(found, RowRule)
    assert (found.alias, found.values) == ("me", (("x", "upper(me.y)"), ("z", "1")))
    assert (found.where, found.columns) == ("x IS NULL AND w > 0", frozenset("xyw"))
