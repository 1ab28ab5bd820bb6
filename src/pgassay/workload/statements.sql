-- name: schema
SELECT pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'

-- name: statements
SELECT s.query
FROM {schema}.pg_stat_statements AS s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
ORDER BY s.total_exec_time DESC
LIMIT $1::bigint

-- name: columns
SELECT 1
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = '{schema}.pg_stat_statements'::pg_catalog.regclass AND a.attname = 'total_exec_time'

-- name: measured
SELECT pg_catalog.json_agg(q ORDER BY q.ms DESC, q.query)
FROM (
  SELECT s.query, pg_catalog.sum(s.calls) AS calls, pg_catalog.sum(s.{time}) AS ms
  FROM {schema}.pg_stat_statements AS s
  WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
    AND s.query IS NOT NULL AND s.query NOT LIKE '<insufficient privilege>%'
    AND s.query !~* '\m(pg_catalog|pg_stat_statements|information_schema)\M'
  GROUP BY s.query
  ORDER BY pg_catalog.sum(s.{time}) DESC
  LIMIT $1::bigint
) AS q
