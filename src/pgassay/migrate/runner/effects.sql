-- name: indexes
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', i.indexrelid::pg_catalog.int8, 'name', c.relname, 'schema', n.nspname,
    'valid', i.indisvalid AND i.indisready AND i.indislive))
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indrelid = pg_catalog.to_regclass($1)

-- name: all_indexes
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', i.indexrelid::pg_catalog.int8, 'name', c.relname, 'schema', n.nspname,
    'valid', i.indisvalid AND i.indisready AND i.indislive))
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast') AND NOT i.indisvalid

-- name: present
SELECT pg_catalog.json_agg(w.name) FROM pg_catalog.json_array_elements_text($1::pg_catalog.json) AS w (name)
WHERE pg_catalog.to_regclass(w.name) IS NOT NULL

-- name: attached
SELECT pg_catalog.json_build_object('pending', h.inhdetachpending) FROM pg_catalog.pg_inherits AS h
WHERE h.inhparent = pg_catalog.to_regclass($1) AND h.inhrelid = pg_catalog.to_regclass($2)
