-- One row a table or materialised view of the user's; partitioned tables have their leaves' sums.
WITH RECURSIVE
relation AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
),
leaf (root, oid) AS (
    SELECT oid, oid FROM relation
     UNION ALL
    SELECT leaf.root, i.inhrelid
      FROM leaf
      JOIN pg_catalog.pg_class c ON c.oid = leaf.oid AND c.relkind = 'p'
      JOIN pg_catalog.pg_inherits i ON i.inhparent = leaf.oid
)
SELECT pg_catalog.json_agg(x) FROM (
SELECT r.schema, r.name,
       CASE WHEN pg_catalog.bool_and(known.known) THEN pg_catalog.sum(c.reltuples::double precision)::bigint END AS rows,
       COALESCE(pg_catalog.sum(c.relpages), 0)::bigint AS pages,
       COALESCE(pg_catalog.sum(pg_catalog.pg_table_size(c.oid)), 0)::bigint AS heap_bytes,
       COALESCE(pg_catalog.sum(pg_catalog.pg_indexes_size(c.oid)), 0)::bigint AS index_bytes
  FROM relation r
  JOIN leaf ON leaf.root = r.oid
  LEFT JOIN pg_catalog.pg_class c ON c.oid = leaf.oid AND c.relkind IN ('r', 'm')
  -- Before PostgreSQL 14 a table that was never analysed has 0 rows and 0 pages; since then it has -1 rows.
  LEFT JOIN LATERAL (SELECT c.reltuples > 0 OR (c.reltuples = 0 AND (
                 c.relpages > 0 OR pg_catalog.current_setting('server_version_num')::integer >= 140000)) AS known
             WHERE c.oid IS NOT NULL) known ON true
 GROUP BY r.oid, r.schema, r.name) x
