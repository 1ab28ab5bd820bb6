"""The size model against indexes that PostgreSQL really built: within 15 % and of the same height; GIN within 40 %."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.server import OWNER, SUPERUSER, Server
from pgassay.twin.export import export
from pgassay.twin.ghost import Ghost, ghost

ROWS = 75_000
INDEXES = {
    "unique integers": "CREATE UNIQUE INDEX {} ON t (id)",
    "few texts": "CREATE INDEX {} ON t (status)",
    "skewed integers": "CREATE INDEX {} ON t (skew)",
    "booleans": "CREATE INDEX {} ON t (b)",
    "uuid": "CREATE INDEX {} ON t (u)",
    "timestamps": "CREATE INDEX {} ON t (ts)",
    "dates": "CREATE INDEX {} ON t (d)",
    "a third null": "CREATE INDEX {} ON t (nullable)",
    "nearly all null": "CREATE INDEX {} ON t (mostly)",
    "foreign key": "CREATE INDEX {} ON t (fk)",
    "two to a value": "CREATE INDEX {} ON t (pair)",
    "foreign key and time": "CREATE INDEX {} ON t (fk, ts)",
    "foreign key and status": "CREATE INDEX {} ON t (fk, status)",
    "null and status": "CREATE INDEX {} ON t (nullable, status)",
    "three columns": "CREATE INDEX {} ON t (status, d, fk)",
    "emails": "CREATE INDEX {} ON t (email)",
    "texts of all lengths": "CREATE INDEX {} ON t (words)",
    "addresses": "CREATE INDEX {} ON t (addr)",
    "numerics": "CREATE INDEX {} ON t (amount)",
    "include": "CREATE INDEX {} ON t (fk) INCLUDE (amount)",
    "fill factor": "CREATE INDEX {} ON t (fk) WITH (fillfactor = 70)",
    "not merged": "CREATE INDEX {} ON t (fk) WITH (deduplicate_items = off)",
    "partial": "CREATE INDEX {} ON t (ts) WHERE status = 'new'",
    "expression": "CREATE INDEX {} ON t (lower(email))",
    "hash": "CREATE INDEX {} ON t USING hash (u)",
    "brin": "CREATE INDEX {} ON t USING brin (ts) WITH (pages_per_range = 4)",
    "gin of arrays": "CREATE INDEX {} ON t USING gin (tags)",
    "trigrams": "CREATE INDEX {} ON t USING gin (email gin_trgm_ops)",
    "gist": "CREATE INDEX {} ON t USING gist (r)",
}
TABLE = f"""
CREATE EXTENSION pg_trgm;
CREATE TABLE t AS
SELECT i::bigint AS id,
       (array['new', 'paid', 'sent', 'sent', 'sent', 'sent', 'cancelled'])[1 + (hashint4(i) & 1023) % 7] AS status,
       (100 * power((hashint4(i + 7) & 65535) / 65536.0, 4))::integer AS skew, i % 2 = 0 AS b,
       md5(i::text)::uuid AS u, timestamptz '2024-01-01' + i * interval '13 s' AS ts,
       date '2020-01-01' + (hashint4(i + 3) & 1023) AS d, CASE WHEN i % 3 > 0 THEN i * 7 END AS nullable,
       CASE WHEN i % 50 = 0 THEN 'v' || i END AS mostly, (hashint4(i + 5) & 65535) % 5000 AS fk, i / 2 AS pair,
       'user' || i || '@example.' || (array['com', 'org', 'info'])[1 + i % 3] AS email,
       repeat('w', 1 + (hashint4(i) & 31)) || i AS words, (i % 5000) / 7.0 AS amount,
       '0x' || substr(md5((i % 9000)::text) || md5(i::text), 1, 40) AS addr,
       array['t' || i % 17, 't' || i % 1000] AS tags, int4range(i % 1000, i % 1000 + 9) AS r
FROM generate_series(1, {ROWS}) i
"""


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[tuple[dict[str, tuple[int, int | None]], Ghost]]:
    with server.database() as name:
        with server.connect(name, role=SUPERUSER) as admin:
            admin.run("CREATE EXTENSION pageinspect SCHEMA public")
        with server.connect(name) as session:
            session.run(TABLE)
            session.run("VACUUM ANALYZE t")
            exported = export(f"postgresql://{OWNER}@/{name}?host={server.sockets}")
            for number, ddl in enumerate(INDEXES.values()):
                session.run(ddl.format(f"i{number}"))
        real = {
            r.name: (r.blocks, r.height)
            for r in export(f"postgresql://{SUPERUSER}@/{name}?host={server.sockets}").relations
        }
        with ghost(server, exported) as twin:
            yield {kind: real[f"i{number}"] for number, kind in enumerate(INDEXES)}, twin
        server.drop(twin.database)


@pytest.mark.parametrize("kind", INDEXES)
def test_sizes_are_those_of_real_indexes(kind: str, built: tuple[dict[str, tuple[int, int | None]], Ghost]) -> None:
    real, twin = built
    name = twin.create_index(INDEXES[kind].format("candidate"))
    try:
        pages = int(twin.admin.value("SELECT pg_relation_size(to_regclass($1)) / 8192", [name]) or 0)
        blocks, height = real[kind]
        allowed = 0.4 if "USING gin" in INDEXES[kind] else 0.15
        assert abs(pages - blocks) <= max(allowed * blocks, 1)
        if height is not None:
            path = twin.path(twin.admin.value("SELECT pg_relation_filepath(to_regclass($1))", [name]) or "")
            assert int.from_bytes(path.read_bytes()[36:40], "little") == height
    finally:
        twin.drop_index(name)
