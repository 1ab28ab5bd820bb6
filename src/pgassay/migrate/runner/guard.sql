-- name: settings
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM (VALUES
    ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'), ('client_connection_check_interval', '1s'),
    ('default_transaction_isolation', 'read committed'), ('default_transaction_deferrable', 'off')
) AS w (name, value)
JOIN pg_catalog.pg_settings AS s ON s.name = w.name AND s.setting <> w.value

-- name: writable
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')

-- name: lock
SELECT pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8)

-- name: holder
SELECT l.pid, a.application_name, a.usename, a.client_addr,
       pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.backend_start)
FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid = ($1::pg_catalog.int8 >> 32)::pg_catalog.oid
  AND l.objid = ($1::pg_catalog.int8 & 4294967295)::pg_catalog.oid AND l.objsubid = 1

-- name: blockers
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'pid', b.pid, 'application', a.application_name, 'user', a.usename, 'state', a.state,
    'seconds', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.query_start)),
    'query', pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 80)))
FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::pg_catalog.int4)) AS b (pid)
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid

-- name: behind
SELECT COALESCE(max(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - l.waitstart)), 0)
FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted AND l.pid <> $1::pg_catalog.int4
  AND $1::pg_catalog.int4 = ANY (pg_catalog.pg_blocking_pids(l.pid))

-- name: state
SELECT wait_event_type = 'Lock' AND state = 'active' FROM pg_catalog.pg_stat_activity WHERE pid = $1::pg_catalog.int4

-- name: progress
SELECT p.words FROM (
    SELECT pid, phase || CASE WHEN blocks_total > 0 THEN ', ' || blocks_done * 100 / blocks_total || ' % of blocks'
        WHEN tuples_total > 0 THEN ', ' || tuples_done * 100 / tuples_total || ' % of rows'
        WHEN lockers_total > 0 THEN ', ' || lockers_done || ' of ' || lockers_total || ' transactions'
        ELSE '' END AS words
    FROM pg_catalog.pg_stat_progress_create_index
    UNION ALL
    SELECT pid, phase || CASE WHEN heap_blks_total > 0
        THEN ', ' || heap_blks_scanned * 100 / heap_blks_total || ' % of blocks' ELSE '' END
    FROM pg_catalog.pg_stat_progress_vacuum
    UNION ALL
    SELECT pid, phase || CASE WHEN heap_blks_total > 0
        THEN ', ' || heap_blks_scanned * 100 / heap_blks_total || ' % of blocks' ELSE '' END
    FROM pg_catalog.pg_stat_progress_cluster
) AS p WHERE p.pid = $1::pg_catalog.int4
