-- name: snapshot
-- What the current transaction sees of the database and holds of it. Read between two statements of a migration, on the
-- migration's own session: nobody else sees uncommitted changes.
SELECT pg_catalog.json_build_object(
  'relations', (
    SELECT pg_catalog.json_object_agg(c.oid, pg_catalog.json_build_array(
             n.nspname, c.relname, c.relkind, pg_catalog.pg_relation_filenode(c.oid), i.indrelid, i.indisvalid))
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
    WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'i', 'I', 'v')
      AND n.nspname !~ '^(pg_|information_schema$)'),
  'columns', (
    SELECT pg_catalog.json_object_agg(a.attrelid, a.columns)
    FROM (SELECT a.attrelid, pg_catalog.json_object_agg(a.attnum, a.attname) AS columns
          FROM pg_catalog.pg_attribute AS a
          JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
          WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
            AND n.nspname !~ '^(pg_|information_schema$)'
          GROUP BY a.attrelid) AS a),
  'locks', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(l.relation, l.mode))
    FROM pg_catalog.pg_locks AS l
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384),
  'counters', (
    SELECT pg_catalog.json_object_agg(c.oid, pg_catalog.json_build_array(
             pg_catalog.pg_stat_get_xact_tuples_returned(c.oid), pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid),
             pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)))
    FROM pg_catalog.pg_class AS c
    WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm')
      AND (pg_catalog.pg_stat_get_xact_tuples_returned(c.oid) + pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
           + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)) > 0))
