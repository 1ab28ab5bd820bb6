-- name: parameters
SELECT p.parameter_types::pg_catalog.oid[]
FROM pg_catalog.pg_prepared_statements AS p
WHERE p.name = $1

-- name: types
WITH RECURSIVE based AS (
  SELECT t.oid AS type, t.oid AS base FROM pg_catalog.pg_type AS t WHERE t.oid = ANY ($1::pg_catalog.oid[])
  UNION ALL
  SELECT b.type, t.typbasetype FROM based AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.base AND t.typtype = 'd'
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', b.type,
  'name', pg_catalog.format_type(b.type, NULL),
  'base', pg_catalog.format_type(t.oid, NULL),
  'category', t.typcategory,
  'kind', t.typtype,
  'element', CASE WHEN t.typcategory = 'A' THEN pg_catalog.format_type(t.typelem, NULL) END,
  'labels', (
    SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
    FROM pg_catalog.pg_enum AS e WHERE e.enumtypid IN (t.oid, t.typelem)
  )
))
FROM based AS b
JOIN pg_catalog.pg_type AS t ON t.oid = b.base AND t.typtype <> 'd'

-- name: columns
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'columns', (
    SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  'view', CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END
))
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'

-- name: path
SELECT pg_catalog.json_agg(s) FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) AS s
