-- name: identities
-- Every object that can be renamed or moved, with what stays the same when it is: its OID, a column's number. ``owner``
-- is what it is a part of, ``word`` what ALTER calls it. Objects of extensions are left out.
WITH home AS (
  SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), theirs AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), relation AS (
  SELECT c.oid, h.nspname, c.relname, c.relkind, c.relispartition
  FROM pg_catalog.pg_class AS c
  JOIN home AS h ON h.oid = c.relnamespace
  WHERE c.relpersistence <> 't'
    AND NOT EXISTS (
      SELECT FROM theirs AS t WHERE t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.objid = c.oid)
), found (word, id, spot, name, owner, detail) AS (
  SELECT 'SCHEMA', 'n' || h.oid, NULL, h.nspname::text, NULL::text[], NULL FROM home AS h
  UNION ALL
  SELECT CASE r.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
           WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'TABLE'
           ELSE 'INDEX' END,
         'r' || r.oid, r.nspname, r.relname, NULL, NULL
  FROM relation AS r
  WHERE r.relkind <> 't' AND NOT (r.relkind IN ('i', 'I') AND EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = r.oid AND k.contype IN ('p', 'u', 'x')))
  UNION ALL
  SELECT CASE WHEN r.relkind = 'c' THEN 'ATTRIBUTE' ELSE 'COLUMN' END,
         'a' || r.oid || '.' || a.attnum, NULL, a.attname, ARRAY[r.nspname, r.relname], NULL
  FROM relation AS r
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid
  WHERE r.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
  UNION ALL
  SELECT CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, 't' || t.oid, h.nspname, t.typname, NULL, NULL
  FROM pg_catalog.pg_type AS t
  JOIN home AS h ON h.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r') AND NOT EXISTS (
    SELECT FROM theirs AS x WHERE x.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND x.objid = t.oid)
  UNION ALL
  SELECT 'VALUE', 'e' || e.oid, NULL, e.enumlabel, ARRAY[h.nspname, t.typname], NULL
  FROM pg_catalog.pg_enum AS e
  JOIN pg_catalog.pg_type AS t ON t.oid = e.enumtypid
  JOIN home AS h ON h.oid = t.typnamespace
  UNION ALL
  SELECT 'CONSTRAINT', 'k' || k.oid, NULL, k.conname, ARRAY[r.nspname, r.relname], NULL
  FROM pg_catalog.pg_constraint AS k
  JOIN relation AS r ON r.oid = k.conrelid
  WHERE k.coninhcount = 0 AND k.contype <> 't'
  UNION ALL
  SELECT 'DOMAIN CONSTRAINT', 'k' || k.oid, NULL, k.conname, ARRAY[h.nspname, t.typname], NULL
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid
  JOIN home AS h ON h.oid = t.typnamespace
  WHERE k.contype = 'c'
  UNION ALL
  SELECT 'TRIGGER', 'g' || g.oid, NULL, g.tgname, ARRAY[r.nspname, r.relname], NULL
  FROM pg_catalog.pg_trigger AS g
  JOIN relation AS r ON r.oid = g.tgrelid
  WHERE NOT g.tgisinternal AND g.tgparentid = 0
  UNION ALL
  SELECT 'POLICY', 'p' || p.oid, NULL, p.polname, ARRAY[r.nspname, r.relname], NULL
  FROM pg_catalog.pg_policy AS p
  JOIN relation AS r ON r.oid = p.polrelid
  UNION ALL
  SELECT 'RULE', 'u' || u.oid, NULL, u.rulename, ARRAY[r.nspname, r.relname], NULL
  FROM pg_catalog.pg_rewrite AS u
  JOIN relation AS r ON r.oid = u.ev_class
  WHERE u.rulename <> '_RETURN'
  UNION ALL
  SELECT CASE f.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
         'f' || f.oid, h.nspname, f.proname, NULL, pg_catalog.pg_get_function_identity_arguments(f.oid)
  FROM pg_catalog.pg_proc AS f
  JOIN home AS h ON h.oid = f.pronamespace
  WHERE NOT EXISTS (
    SELECT FROM theirs AS x WHERE x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.objid = f.oid)
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(f.word, f.id, f.spot, f.name, f.owner, f.detail) ORDER BY f.id)
FROM found AS f
