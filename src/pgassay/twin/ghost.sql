-- name: sizes
UPDATE pg_catalog.pg_class c
SET relpages = x.pages, reltuples = x.tuples, relallvisible = x.all_visible
FROM pg_catalog.json_to_recordset($1::json) x (schema text, name text, pages integer, tuples real, all_visible integer)
JOIN pg_catalog.pg_namespace n ON n.nspname = x.schema
WHERE c.relnamespace = n.oid AND c.relname = x.name AND c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i', 'p', 'I')

-- name: columns
-- Every column of the user's relations with its base type, below domains.
WITH RECURSIVE base (oid, below) AS (
    SELECT oid, oid FROM pg_catalog.pg_type
    UNION ALL
    SELECT b.oid, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.below WHERE t.typbasetype <> 0)
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name, a.attnum AS number, t.typname AS type,
       c.relkind IN ('i', 'I') AS index, t.oid < 16384 AS known, a.attlen AS length, t.typalign AS align
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN base b ON b.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = b.below AND t.typbasetype = 0
WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'm', 'i', 'p', 'I')) x

-- name: restore
-- PostgreSQL 18's own function; it wants MAINTAIN on the table, so the tables' owner calls it.
SELECT pg_catalog.count(pg_catalog.pg_restore_attribute_stats(
    'schemaname', x.schema, 'relname', x.relation, 'attname', CASE WHEN NOT x.index THEN x.name END,
    'attnum', CASE WHEN x.index THEN x.number END, 'inherited', x.inherited, 'version', 180000,
    'null_frac', x.null_frac, 'avg_width', x.avg_width, 'n_distinct', x.n_distinct,
    'most_common_vals', x.most_common_vals, 'most_common_freqs', x.most_common_freqs,
    'histogram_bounds', x.histogram_bounds, 'correlation', x.correlation,
    'most_common_elems', x.most_common_elems, 'most_common_elem_freqs', x.most_common_elem_freqs,
    'elem_count_histogram', x.elem_count_histogram, 'range_length_histogram', x.range_length_histogram,
    'range_empty_frac', x.range_empty_frac, 'range_bounds_histogram', x.range_bounds_histogram))
FROM pg_catalog.json_to_recordset($1::json) x (
    schema text, relation text, name text, number smallint, index boolean, inherited boolean, null_frac real,
    avg_width integer, n_distinct real, most_common_vals text, most_common_freqs real[], histogram_bounds text,
    correlation real, most_common_elems text, most_common_elem_freqs real[], elem_count_histogram real[],
    range_length_histogram text, range_empty_frac real, range_bounds_histogram text)

-- name: insert
-- Before PostgreSQL 18, as superuser: so values only of types whose input runs nobody's SQL (no composites, no domains
-- within).
-- Slots: kind, which operator, numbers, values, and of which type the values are.
WITH RECURSIVE base (oid, below) AS (
    SELECT oid, oid FROM pg_catalog.pg_type
    UNION ALL
    SELECT b.oid, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.below WHERE t.typbasetype <> 0),
kind AS (  -- of each type its element's, and under which type its operators are to be found
    SELECT t.oid, CASE WHEN t.typname = 'tsvector' THEN 25 ELSE e.oid END AS element,
           CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_opclass o
                             WHERE o.opcintype = t.oid AND o.opcdefault AND o.opcmethod = 403) THEN t.oid
                WHEN t.typtype = 'e' THEN 3500 WHEN t.typcategory = 'A' THEN 2277 WHEN t.typtype = 'r' THEN 3831
                WHEN t.typtype = 'm' THEN 4537 WHEN t.typname = 'varchar' THEN 25 ELSE t.oid END AS operand,
           t.typtype IN ('b', 'e', 'r', 'm') AND (t.oid < 16384 OR t.typtype IN ('b', 'e'))
           AND (e.oid IS NULL OR e.oid < 16384 OR e.typtype IN ('b', 'e')) AS safe
    FROM pg_catalog.pg_type t
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    WHERE t.typbasetype = 0),
operator AS (
    SELECT k.oid, k.element, k.safe,
           pg_catalog.max(a.amopopr) FILTER (WHERE a.amopstrategy = 1) AS lt,
           pg_catalog.max(a.amopopr) FILTER (WHERE a.amopstrategy = 3) AS eq
    FROM kind k
    LEFT JOIN pg_catalog.pg_opclass o ON o.opcintype = k.operand AND o.opcdefault AND o.opcmethod = 403
    LEFT JOIN pg_catalog.pg_amop a ON a.amopfamily = o.opcfamily AND a.amoplefttype = k.operand
         AND a.amoprighttype = k.operand AND a.amopmethod = 403
    GROUP BY k.oid, k.element, k.safe),
given AS (
    SELECT x.*, a.attrelid, a.attnum, a.attcollation, o.safe,
           pg_catalog.jsonb_build_object('eq', o.eq, 'lt', o.lt, 'element', e.eq, 'float8', 672, 'none', 0) AS operators,
           pg_catalog.jsonb_build_object('own', o.oid, 'element', o.element, 'float8', 701) AS types
    FROM pg_catalog.json_to_recordset($1::json) x (
        schema text, relation text, name text, number smallint, index boolean, inherited boolean, null_frac real,
        avg_width integer, n_distinct real, kinds smallint[], operands text[], numbers jsonb, lists jsonb, of text[])
    JOIN pg_catalog.pg_namespace n ON n.nspname = x.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = x.relation AND c.oid >= 16384
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
         AND CASE WHEN x.index THEN a.attnum = x.number ELSE a.attname = x.name END
    JOIN base b ON b.oid = a.atttypid
    JOIN operator o ON o.oid = b.below
    LEFT JOIN operator e ON e.oid = o.element)
INSERT INTO pg_catalog.pg_statistic (
    starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
    stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5,
    stacoll1, stacoll2, stacoll3, stacoll4, stacoll5,
    stanumbers1, stanumbers2, stanumbers3, stanumbers4, stanumbers5,
    stavalues1, stavalues2, stavalues3, stavalues4, stavalues5)
SELECT g.attrelid, g.attnum, g.inherited, g.null_frac, g.avg_width, g.n_distinct,
       {kinds}, {operators}, {collations}, {numbers}, {values}
FROM given g

-- name: paths
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS name, pg_catalog.pg_relation_filepath(c.oid) AS path,
       CASE WHEN c.reltoastrelid <> 0 THEN pg_catalog.pg_relation_filepath(c.reltoastrelid) END AS toast,
       m.amname AS method, t.relname AS "table", c.relpages AS pages, c.reltuples AS tuples,
       c.relallvisible AS all_visible, c.oid::bigint AS oid
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i') AND n.nspname !~ '^pg_') x

-- name: switch
-- Those of the first list on, those of the second off, partitioned indexes with all their parts.
WITH RECURSIVE wanted (oid, valid) AS (
    SELECT oid, true FROM pg_catalog.unnest($1::oid[]) oid
    UNION
    SELECT oid, false FROM pg_catalog.unnest($2::oid[]) oid
    UNION
    SELECT h.inhrelid, w.valid FROM wanted w JOIN pg_catalog.pg_inherits h ON h.inhparent = w.oid)
UPDATE pg_catalog.pg_index i SET indisvalid = w.valid
FROM wanted w WHERE i.indexrelid = w.oid AND i.indexrelid >= 16384 AND i.indisvalid <> w.valid

-- name: index_named
SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relkind IN ('i', 'I') AND c.relname = $1 AND c.oid >= 16384

-- name: index_qualified
SELECT c.oid FROM pg_catalog.pg_class c
WHERE c.relkind IN ('i', 'I') AND c.oid = pg_catalog.to_regclass($1) AND c.oid >= 16384

-- name: statistics_objects
SELECT pg_catalog.json_agg(x) FROM (
SELECT e.oid::bigint AS oid, n.nspname AS schema, e.stxname AS name, tn.nspname AS table_schema, t.relname AS "table",
       pg_catalog.string_to_array(e.stxkeys::text, ' ')::integer[] AS keys,
       (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = t.oid AND a.attnum = ANY (e.stxkeys)) AS columns{expressions}
FROM pg_catalog.pg_statistic_ext e
JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace
JOIN pg_catalog.pg_class t ON t.oid = e.stxrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace) x

-- name: led
-- The B-trees that such a column leads: their columns, and whether they run downwards.
SELECT pg_catalog.json_agg(x) FROM (
SELECT n.nspname AS schema, c.relname AS name, t.relname AS "table", tn.nspname AS table_schema, a.attname AS "column",
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, i.indnatts AS width,
       (i.indoption[0] & 1) = 1 AS descending, c.oid::bigint AS oid, pg_catalog.pg_relation_filepath(t.oid) AS heap
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'btree'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] AND a.attnum > 0
JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0] AND o.opcdefault
WHERE i.indpred IS NULL AND i.indcollation[0] = a.attcollation AND c.oid >= 16384{alone}) x

-- name: table_oid
SELECT $1::pg_catalog.regclass::pg_catalog.oid

-- name: parts
-- A table, or the partitions of one that hold rows, with what pg_class says of them.
WITH RECURSIVE part (oid) AS (
    SELECT $1::oid
    UNION ALL
    SELECT h.inhrelid FROM part p
    JOIN pg_catalog.pg_class c ON c.oid = p.oid AND c.relkind = 'p'
    JOIN pg_catalog.pg_inherits h ON h.inhparent = p.oid)
SELECT pg_catalog.json_agg(x) FROM (
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relpages AS pages,
       c.reltuples AS tuples, c.relallvisible AS all_visible, pg_catalog.pg_relation_filepath(c.oid) AS path,
       (SELECT pg_catalog.json_agg(i.indexrelid::bigint) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid) AS indexes
FROM part p
JOIN pg_catalog.pg_class c ON c.oid = p.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND c.oid >= 16384) x

-- name: candidate
-- An index as its size model wants it: keys with their columns' names, lengths and whether equal values look alike.
SELECT pg_catalog.json_agg(x) FROM (
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, m.amname AS method,
       pg_catalog.pg_relation_filepath(c.oid) AS path, i.indrelid::bigint AS "table", i.indisunique AS "unique",
       i.indnkeyatts AS key_count,
       COALESCE((SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
                 FROM pg_catalog.pg_options_to_table(c.reloptions) o), '{}') AS options,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'column', ta.attname,
            'expression', CASE WHEN ta.attname IS NULL THEN pg_catalog.pg_get_indexdef(c.oid, a.attnum, true) END,
            'types', CASE WHEN ta.attname IS NULL THEN
                (SELECT pg_catalog.json_object_agg(xa.attname, xt.typname)
                 FROM pg_catalog.pg_attribute xa JOIN pg_catalog.pg_type xt ON xt.oid = xa.atttypid
                 WHERE xa.attrelid = i.indrelid AND xa.attnum > 0) END,
            'number', a.attnum, 'length', a.attlen, 'align', a.attalign, 'type', t.typname,
            'merges', EXISTS (SELECT FROM pg_catalog.pg_opclass oc
                              JOIN pg_catalog.pg_amproc p ON p.amprocfamily = oc.opcfamily
                                   AND p.amproclefttype = oc.opcintype AND p.amprocnum = 4
                              WHERE oc.oid = i.indclass[a.attnum - 1]),
            'class', (SELECT oc.opcname FROM pg_catalog.pg_opclass oc WHERE oc.oid = i.indclass[a.attnum - 1]))
            ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.pg_attribute ta ON ta.attrelid = i.indrelid AND ta.attnum = i.indkey[a.attnum - 1]
             AND ta.attnum > 0
        WHERE a.attrelid = c.oid AND a.attnum > 0) AS keys
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE c.oid = ANY ($1::oid[])) x

-- name: steer
SELECT pg_catalog.set_config(s.name, x.value, false)
FROM pg_catalog.json_each_text($1::json) x JOIN pg_catalog.pg_settings s ON s.name = x.key AND s.context = 'user'

-- name: file_number
SELECT pg_catalog.pg_relation_filenode($1::oid)

-- name: evict
SELECT pg_catalog.count(pgassay.pg_buffercache_evict(b.bufferid)) FROM pgassay.pg_buffercache b
WHERE b.relfilenode = $1::oid
  AND b.reldatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $2)

-- name: uneven
-- Lists of values and of frequencies that do not match: the planner would read beyond an array's end.
DELETE FROM pg_catalog.pg_statistic
WHERE starelid >= 16384
  AND ((stakind1 = 1 AND pg_catalog.cardinality(stanumbers1) <> pg_catalog.array_length(stavalues1, 1))
    OR (stakind1 = 4 AND pg_catalog.cardinality(stanumbers1) < pg_catalog.array_length(stavalues1, 1) + 2) OR
       (stakind2 = 1 AND pg_catalog.cardinality(stanumbers2) <> pg_catalog.array_length(stavalues2, 1))
    OR (stakind2 = 4 AND pg_catalog.cardinality(stanumbers2) < pg_catalog.array_length(stavalues2, 1) + 2) OR
       (stakind3 = 1 AND pg_catalog.cardinality(stanumbers3) <> pg_catalog.array_length(stavalues3, 1))
    OR (stakind3 = 4 AND pg_catalog.cardinality(stanumbers3) < pg_catalog.array_length(stavalues3, 1) + 2) OR
       (stakind4 = 1 AND pg_catalog.cardinality(stanumbers4) <> pg_catalog.array_length(stavalues4, 1))
    OR (stakind4 = 4 AND pg_catalog.cardinality(stanumbers4) < pg_catalog.array_length(stavalues4, 1) + 2) OR
       (stakind5 = 1 AND pg_catalog.cardinality(stanumbers5) <> pg_catalog.array_length(stavalues5, 1))
    OR (stakind5 = 4 AND pg_catalog.cardinality(stanumbers5) < pg_catalog.array_length(stavalues5, 1) + 2))
