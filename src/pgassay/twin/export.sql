-- name: server
-- to_jsonb(d): which columns pg_database has depends on the version.
SELECT pg_catalog.json_build_object(
    'version', pg_catalog.current_setting('server_version'),
    'number', pg_catalog.current_setting('server_version_num')::integer,
    'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
    'collate', d.datcollate, 'ctype', d.datctype,
    'provider', COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c'),
    'locale', COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale'),
    'block_size', pg_catalog.current_setting('block_size')::integer)
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()

-- name: settings
-- What steers the planner, or the reading of literals.
SELECT pg_catalog.json_object_agg(s.name, s.setting ORDER BY s.name)
FROM pg_catalog.pg_settings s
WHERE s.category LIKE 'Query Tuning%' OR s.name IN (
    'work_mem', 'hash_mem_multiplier', 'max_parallel_workers', 'max_parallel_workers_per_gather',
    'parallel_leader_participation', 'effective_io_concurrency', 'temp_buffers', 'DateStyle', 'IntervalStyle',
    'TimeZone', 'default_text_search_config', 'array_nulls', 'transform_null_equals', 'standard_conforming_strings')

-- name: search_path
-- Ours is pg_catalog alone, so what the role or the database has set: the role's in this database before all others.
SELECT pg_catalog.regexp_replace(c, '^search_path=', '')
FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
WHERE c LIKE 'search_path=%'
  AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = COALESCE($1, CURRENT_USER)))
ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1

-- name: role_settings
-- What ALTER ROLE has set for whom in this database, as far as it steers the planner; the more special one last.
SELECT pg_catalog.json_agg(x) FROM (
SELECT r.rolname AS role, pg_catalog.split_part(c, '=', 1) AS name,
       pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND EXISTS (SELECT FROM pg_catalog.pg_settings p WHERE p.name = pg_catalog.split_part(c, '=', 1) AND (
      p.category LIKE 'Query Tuning%' OR p.name IN (
      'work_mem', 'hash_mem_multiplier', 'max_parallel_workers', 'max_parallel_workers_per_gather',
      'parallel_leader_participation', 'effective_io_concurrency', 'temp_buffers')))
ORDER BY r.rolname, s.setdatabase <> 0) x

-- name: tablespaces
-- Those with costs of their own (manual, ALTER TABLESPACE), and whether it is the database's.
SELECT pg_catalog.json_agg(x) FROM (
SELECT t.spcname AS name, t.oid = d.dattablespace AS own,
       (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
        FROM pg_catalog.pg_options_to_table(t.spcoptions) o) AS options
FROM pg_catalog.pg_tablespace t
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
WHERE t.spcoptions IS NOT NULL AND (t.oid = d.dattablespace OR EXISTS (
    SELECT FROM pg_catalog.pg_class c WHERE c.reltablespace = t.oid AND c.oid >= 16384))
ORDER BY 1) x

-- name: unreadable
-- pg_dump locks every table that it describes, and needs a privilege for that.
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           AND pg_catalog.has_table_privilege(c.oid, 'SELECT, UPDATE, DELETE, TRUNCATE'))
ORDER BY 1, 2

-- name: relations
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind,
       COALESCE(pg_catalog.pg_relation_size(c.oid) / b.size, 0) AS blocks,
       c.relpages AS pages, c.reltuples AS tuples, c.relallvisible AS all_visible,
       (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = c.reltablespace AND s.spcoptions IS NOT NULL)
       AS tablespace,
       CASE WHEN c.reltoastrelid <> 0 THEN COALESCE(pg_catalog.pg_relation_size(c.reltoastrelid) / b.size, 0)
            ELSE 0 END AS toast_blocks,
       t.relname AS "table", CASE WHEN i.indexrelid IS NOT NULL THEN m.amname END AS method,
       CASE WHEN i.indexrelid IS NOT NULL THEN pg_catalog.row_number() OVER (ORDER BY c.oid) ELSE 0 END AS "order",
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(ta.attname, a.attlen, a.attname) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        LEFT JOIN pg_catalog.pg_attribute ta ON ta.attrelid = i.indrelid AND ta.attnum = i.indkey[a.attnum - 1]
             AND ta.attnum > 0
        WHERE a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts) AS keys
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (SELECT pg_catalog.current_setting('block_size')::bigint AS size) b
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE c.relkind IN ('r', 'm', 'i', 'p', 'I') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (i.indexrelid IS NULL OR i.indisvalid)
ORDER BY n.nspname, c.relname) x

-- name: pageinspect
SELECT pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pageinspect' AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)

-- name: heights
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS name,
       ({schema}.bt_metap(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname))).fastlevel
       AS height
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND i.indisvalid AND n.nspname !~ '^pg_'
  AND c.relam = (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'btree')) x

-- name: gin
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS name, pg_catalog.json_build_array(
       g.n_pending_pages, g.n_total_pages, g.n_entry_pages, g.n_data_pages, g.n_entries) AS gin
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
CROSS JOIN LATERAL {schema}.gin_metapage_info({schema}.get_raw_page(
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0)) g
WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND i.indisvalid AND n.nspname !~ '^pg_'
  AND c.relam = (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'gin')) x

-- name: attributes
-- Values as the texts of arrays, read in one notation whatever the role prefers.
WITH said AS MATERIALIZED (
    SELECT pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
           pg_catalog.set_config('IntervalStyle', 'postgres', true),
           pg_catalog.set_config('extra_float_digits', '3', true), pg_catalog.set_config('bytea_output', 'hex', true),
           pg_catalog.set_config('TimeZone', 'UTC', true))
SELECT pg_catalog.json_agg(x) FROM (
SELECT s.schemaname AS schema, s.tablename AS relation, s.attname AS name, a.attnum AS number,
       c.relkind IN ('i', 'I') AS index, s.inherited, s.null_frac, s.avg_width, s.n_distinct,
       s.most_common_freqs, s.correlation, s.most_common_elem_freqs, s.elem_count_histogram{ranges_shape}{values}
FROM said
CROSS JOIN pg_catalog.pg_stats s
JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
WHERE s.schemaname !~ '^pg_' AND s.schemaname <> 'information_schema'
ORDER BY 1, 2, 4, s.inherited) x

-- name: ranges
-- Before PostgreSQL 17 pg_stats does not show what is known of ranges (pg_statistic's kinds 6 and 7).
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name, s.stainherit AS inherited,
       CASE 6 WHEN s.stakind1 THEN s.stanumbers1[1] WHEN s.stakind2 THEN s.stanumbers2[1]
              WHEN s.stakind3 THEN s.stanumbers3[1] END AS range_empty_frac{values}
FROM pg_catalog.pg_statistic s
JOIN pg_catalog.pg_class c ON c.oid = s.starelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
WHERE 6 IN (s.stakind1, s.stakind2, s.stakind3) AND n.nspname !~ '^pg_') x

-- name: extended
WITH said AS MATERIALIZED (
    SELECT pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
           pg_catalog.set_config('IntervalStyle', 'postgres', true),
           pg_catalog.set_config('extra_float_digits', '3', true), pg_catalog.set_config('bytea_output', 'hex', true),
           pg_catalog.set_config('TimeZone', 'UTC', true))
SELECT pg_catalog.json_agg(x) FROM (
SELECT s.statistics_schemaname AS schema, s.statistics_name AS name,
       COALESCE((pg_catalog.to_jsonb(s) ->> 'inherited')::boolean, false) AS inherited,
       pg_catalog.string_to_array(e.stxkeys::text, ' ')::integer[] AS keys,
       s.n_distinct::text AS ndistinct, s.dependencies::text AS dependencies{exact}{values}
FROM said
CROSS JOIN pg_catalog.pg_stats_ext s
JOIN pg_catalog.pg_namespace n ON n.nspname = s.statistics_schemaname
JOIN pg_catalog.pg_statistic_ext e ON e.stxnamespace = n.oid AND e.stxname = s.statistics_name
ORDER BY 1, 2, 3) x

-- name: exact
-- The text of dependencies has six decimals; the bytes, which only a superuser may read, have them all.
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, e.stxname AS name, COALESCE((pg_catalog.to_jsonb(d) ->> 'stxdinherit')::boolean, false)
       AS inherited, pg_catalog.encode(d.stxddependencies::bytea, 'hex') AS bytes
FROM pg_catalog.pg_statistic_ext_data d
JOIN pg_catalog.pg_statistic_ext e ON e.oid = d.stxoid
JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace
WHERE d.stxddependencies IS NOT NULL) x

-- name: expressions
WITH said AS MATERIALIZED (
    SELECT pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
           pg_catalog.set_config('IntervalStyle', 'postgres', true),
           pg_catalog.set_config('extra_float_digits', '3', true), pg_catalog.set_config('bytea_output', 'hex', true),
           pg_catalog.set_config('TimeZone', 'UTC', true))
SELECT pg_catalog.json_agg(x) FROM (
SELECT s.statistics_schemaname AS schema, s.statistics_name AS relation, s.inherited,
       pg_catalog.row_number() OVER (PARTITION BY s.statistics_schemaname, s.statistics_name, s.inherited) AS number,
       s.null_frac, s.avg_width, s.n_distinct, s.most_common_freqs, s.correlation, s.most_common_elem_freqs,
       s.elem_count_histogram{values}
FROM said CROSS JOIN pg_catalog.pg_stats_ext_exprs s) x

-- name: ended
-- Columns that lead a B-tree whose ends the planner looks up (get_actual_variable_range), of built-in types and enums,
-- so that nobody's code runs; not where row security would.
SELECT DISTINCT n.nspname, t.relname, a.attname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'btree'
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid AND t.relkind IN ('r', 'm') AND t.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] AND a.attnum > 0
JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0] AND o.opcdefault
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE i.indisvalid AND i.indpred IS NULL AND t.relpages > 0 AND i.indcollation[0] = a.attcollation
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (y.typtype = 'e' OR (y.oid < 16384 AND y.typtype = 'b' AND y.typcategory <> 'A' AND y.typname <> 'name'))
  AND NOT pg_catalog.row_security_active(t.oid) AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT')
ORDER BY 1, 2, 3

-- name: ends
WITH said AS MATERIALIZED (
    SELECT pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
           pg_catalog.set_config('IntervalStyle', 'postgres', true),
           pg_catalog.set_config('extra_float_digits', '3', true), pg_catalog.set_config('bytea_output', 'hex', true),
           pg_catalog.set_config('TimeZone', 'UTC', true))
SELECT pg_catalog.json_build_array({pairs}) FROM said

-- name: statements_schema
SELECT pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'

-- name: statements
SELECT pg_catalog.json_agg(x) FROM (
SELECT s.query, pg_catalog.sum(s.calls)::bigint AS calls, pg_catalog.sum(s.rows)::bigint AS rows,
       pg_catalog.sum(COALESCE((pg_catalog.to_jsonb(s) ->> 'total_exec_time')::double precision,
                               (pg_catalog.to_jsonb(s) ->> 'total_time')::double precision)) AS milliseconds
FROM {schema}.pg_stat_statements s
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
GROUP BY s.query ORDER BY 4 DESC LIMIT 5000) x
