-- The table $2 (in schema $1, where that is not null), of those that a search without schema would find: the
-- session's own schemas first, then public. One row: schema, name.
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND c.relname = $2::pg_catalog.name
  AND CASE
        WHEN $1::pg_catalog.text IS NOT NULL THEN n.nspname = $1::pg_catalog.name
        ELSE n.nspname = ANY (pg_catalog.current_schemas(false)) OR n.nspname = 'public'
      END
ORDER BY pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname) NULLS LAST
LIMIT 1
