-- name: usage
SELECT pg_catalog.json_agg(x) FROM (
SELECT s.schemaname AS schema, s.indexrelname AS name, s.idx_scan AS scans,
       pg_catalog.pg_relation_size(s.indexrelid) AS bytes
  FROM pg_catalog.pg_stat_user_indexes AS s) x

-- name: since
SELECT coalesce(pg_catalog.to_char(d.stats_reset, 'YYYY-MM-DD'), 'the database was made')
  FROM pg_catalog.pg_stat_database AS d WHERE d.datname = pg_catalog.current_database()

-- name: keys
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS name, i.indisunique AS "unique", i.indnkeyatts AS keys, a.attnum AS number,
       a.attlen AS length, a.attalign AS align, c.reltuples AS tuples,
       pg_catalog.pg_relation_size(c.oid) AS bytes, f.fill,
       (t.typcategory IN ('A', 'R') OR t.typname IN ('numeric', 'float4', 'float8', 'jsonb')) AS unmerged,
       coalesce(e.null_frac, s.null_frac) AS null_frac, coalesce(e.avg_width, s.avg_width) AS width,
       coalesce(e.n_distinct, s.n_distinct) AS distinct,
       coalesce(e.most_common_freqs, s.most_common_freqs) AS common
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class AS h ON h.oid = i.indrelid
  JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  CROSS JOIN LATERAL (SELECT coalesce((SELECT pg_catalog.split_part(o, '=', 2)::integer
         FROM pg_catalog.unnest(c.reloptions) AS o WHERE o LIKE 'fillfactor=%'), 90) AS fill) AS f
  LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = h.oid AND b.attnum = i.indkey[a.attnum - 1] AND b.attnum > 0
  LEFT JOIN pg_catalog.pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = h.relname
        AND s.attname = b.attname AND NOT s.inherited
  LEFT JOIN pg_catalog.pg_stats AS e ON e.schemaname = n.nspname AND e.tablename = c.relname AND e.attname = a.attname
 WHERE c.relkind = 'i' AND i.indisvalid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY n.nspname, c.relname, a.attnum) x
