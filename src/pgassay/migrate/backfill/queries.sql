-- name: relation
SELECT pg_catalog.json_build_object(
  'oid', c.oid::text, 'kind', c.relkind, 'name', c.oid::regclass::text, 'parent', EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid),
  'rows', (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0)::bigint FROM pg_catalog.pg_class AS l
           WHERE l.oid = c.oid OR l.oid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) AS p WHERE p.isleaf)),
  'bytes', (SELECT coalesce(sum(pg_catalog.pg_relation_size(l.oid)), 0)::bigint FROM pg_catalog.pg_class AS l
            WHERE l.relkind IN ('r', 'm')
              AND (l.oid = c.oid OR l.oid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) AS p WHERE p.isleaf))),
  'block', pg_catalog.current_setting('block_size')::int,
  'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'numbered', (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute AS a
               LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
               WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND (a.attidentity <> '' OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')))
FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass($1);

-- name: keys
SELECT pg_catalog.json_agg(k.columns ORDER BY k.is_primary DESC, k.width, k.oid) FROM (
  SELECT i.indexrelid AS oid, i.indisprimary AS is_primary, i.indnkeyatts AS width,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
                                ORDER BY n.place)
     FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS n(attnum, place)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = n.attnum
     WHERE n.place <= i.indnkeyatts) AS columns
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_am AS m ON m.oid = x.relam AND m.amname = 'btree'
  WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (
      SELECT FROM ROWS FROM (pg_catalog.unnest(i.indkey::int2[]), pg_catalog.unnest(i.indcollation::oid[]),
                             pg_catalog.unnest(i.indclass::oid[])) WITH ORDINALITY AS n(attnum, sorting, class, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = n.attnum
      JOIN pg_catalog.pg_opclass AS o ON o.oid = n.class
      WHERE n.place <= i.indnkeyatts AND (NOT a.attnotnull OR n.sorting <> a.attcollation OR NOT o.opcdefault))
) AS k;

-- name: functions
SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.json_build_array(p.proname, p.provolatile, p.prokind)::jsonb), '[]')
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS s ON s.oid = p.pronamespace
JOIN pg_catalog.json_to_recordset($1::json) AS w(schema text, name text) ON w.name = p.proname
WHERE CASE WHEN w.schema IS NULL THEN pg_catalog.pg_function_is_visible(p.oid) ELSE s.nspname = w.schema END;

-- name: meets
WITH RECURSIVE family(oid) AS (
  SELECT $1::oid
  UNION
  SELECT CASE WHEN i.inhrelid = f.oid THEN i.inhparent ELSE i.inhrelid END
  FROM family AS f JOIN pg_catalog.pg_inherits AS i ON f.oid IN (i.inhrelid, i.inhparent)
), reads(oid, first) AS (
  SELECT pg_catalog.to_regclass(n)::oid, n FROM pg_catalog.json_array_elements_text($2::json) AS n
  UNION
  SELECT d.refobjid, r.first FROM reads AS r
  JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.oid
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
    AND d.refclassid = 'pg_catalog.pg_class'::regclass
)
SELECT min(r.first) FROM reads AS r JOIN family AS f ON f.oid = r.oid;

-- name: row
SELECT pg_catalog.json_build_object(
  'columns', (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'generated', (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped),
  'family', c.relkind <> 'r' OR EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE c.oid IN (i.inhparent, i.inhrelid)),
  'allowed', pg_catalog.has_table_privilege(c.oid, 'TRIGGER'))
FROM pg_catalog.pg_class AS c WHERE c.oid = $1::oid;

-- name: trigger
SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.regclass AND tgname = $2);

-- name: schemas
SELECT pg_catalog.json_agg(s) FROM pg_catalog.unnest(pg_catalog.current_schemas(true)) AS s
WHERE s NOT LIKE 'pg\_temp\_%' AND s NOT LIKE 'pg\_toast\_temp\_%';

-- name: blockers
SELECT pg_catalog.format('pid %s (%s, %s): %s', a.pid, coalesce(a.application_name, ''), coalesce(a.state, '?'),
                         coalesce(left(a.query, 80), '?'))
FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::int)) AS b(pid)
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid LIMIT 1;

-- name: behind
SELECT l.pid FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted AND l.pid <> $1::int AND $1::int = ANY (pg_catalog.pg_blocking_pids(l.pid));

-- name: lag
-- Of standbys that are behind: what they last said of it, or for how long they have said nothing.
SELECT max(greatest(extract(epoch FROM coalesce(replay_lag, flush_lag, write_lag)),
                    extract(epoch FROM pg_catalog.clock_timestamp() - reply_time)))
FROM pg_catalog.pg_stat_replication
WHERE coalesce(replay_lsn, flush_lsn, write_lsn) < pg_catalog.pg_current_wal_flush_lsn();

-- name: statements_in
SELECT pg_catalog.json_build_object('schema', pg_catalog.quote_ident(n.nspname), 'toplevel', EXISTS (
  SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements' AND a.attname = 'toplevel'))
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements';

-- name: statements
SELECT queryid || '/' || userid AS key, calls, mean_exec_time, stddev_exec_time
FROM {schema}.pg_stat_statements
WHERE queryid IS NOT NULL AND calls > 0 {top}
  AND query NOT ILIKE '%pgassay%' AND query NOT ILIKE '%pg\_catalog%'
  AND query ~* '^[\s(]*(/\*.*?\*/\s*)*(with|select|insert|update|delete|merge)\M'
  AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());

-- name: statements_again
SELECT s.queryid || '/' || s.userid, s.calls, s.mean_exec_time, s.stddev_exec_time
FROM {schema}.pg_stat_statements(false) AS s
WHERE s.queryid || '/' || s.userid IN (SELECT pg_catalog.json_array_elements_text($1::pg_catalog.json)) {top}
  AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());

-- name: dead
SELECT pg_catalog.json_build_object('dead', sum(s.n_dead_tup), 'live', sum(s.n_live_tup))
FROM pg_catalog.pg_stat_user_tables AS s
WHERE s.relid = $1::oid OR s.relid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree($1::oid::regclass) AS p);
