"""Costs of tablespaces and settings of roles reach a ghost."""

from __future__ import annotations

import pytest

from pgassay.errors import UsageError
from pgassay.server import OWNER, SUPERUSER, Server
from pgassay.twin.export import export
from pgassay.twin.ghost import ghost


def test_scans_cost_what_their_tablespaces_say_and_roles_plan_with_their_settings(
    server: Server, database: str
) -> None:
    admin = server.admin
    admin.run("SET allow_in_place_tablespaces = on")
    admin.run("CREATE TABLESPACE quick LOCATION ''")
    admin.run(f"ALTER TABLESPACE quick SET (random_page_cost = 1.01); GRANT CREATE ON TABLESPACE quick TO {OWNER}")
    admin.run("CREATE ROLE app LOGIN")
    admin.run("ALTER ROLE app SET work_mem = '64MB'; ALTER ROLE app SET enable_hashagg = off")
    try:
        with server.connect(database) as session:
            session.run("""
                CREATE TABLE there (id bigint PRIMARY KEY, x integer) TABLESPACE quick;
                INSERT INTO there SELECT i, i * 7919 % 20000 FROM generate_series(1, 20000) i;
                CREATE INDEX of_x ON there (x) TABLESPACE quick;
                CREATE TABLE parts (a integer, b text) PARTITION BY RANGE (a) TABLESPACE quick;
                CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9) TABLESPACE quick""")
            session.run("VACUUM ANALYZE there")
            query = "SELECT * FROM there WHERE x BETWEEN 100 AND 300"
            (wanted,) = session.json(f"EXPLAIN (FORMAT JSON) {query}")
        for role in (None, "app"):
            known = export(f"postgresql://{SUPERUSER}@/{database}?host={server.sockets}", role=role)
            assert known.tablespaces == {"quick": {"random_page_cost": "1.01"}}
            with ghost(server, known) as twin:
                assert twin.unmade == ()
                assert twin.explain(query)["Plan"]["Total Cost"] == pytest.approx(
                    wanted["Plan"]["Total Cost"], rel=0.01
                )
                kind = twin.explain("SELECT x, count(*) FROM there GROUP BY x")["Plan"].get("Strategy")
                assert kind == ("Sorted" if role else "Hashed")
                assert twin.session.value("SHOW work_mem") == ("64MB" if role else "4MB")
            server.drop(twin.database)
            assert any("app" in each for each in known.left_out) is (role is None)
        with pytest.raises(UsageError):
            export(f"postgresql://{SUPERUSER}@/{database}?host={server.sockets}", role="nobody at all")
    finally:
        server.drop(database)
        admin.run("DROP ROLE app")
        spaces = "SELECT quote_ident(spcname) FROM pg_tablespace WHERE spcname = 'quick' OR spcname LIKE 'costs%'"
        for (name,) in admin.run(spaces):
            admin.run(f"DROP TABLESPACE {name}")
