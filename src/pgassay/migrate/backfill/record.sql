-- name: create
CREATE SCHEMA IF NOT EXISTS pgassay;
CREATE TABLE IF NOT EXISTS pgassay.backfill (
  id text PRIMARY KEY,
  statement text NOT NULL,
  relation text NOT NULL,
  key json NOT NULL,
  position json,                              -- the last key that is done, as texts; null: none yet
  finish json,                                -- the last key of this pass; null: the pass has not begun
  pass integer NOT NULL DEFAULT 1,
  batches bigint NOT NULL DEFAULT 0,
  seen bigint NOT NULL DEFAULT 0,             -- rows gone through, about
  changed bigint NOT NULL DEFAULT 0,
  again bigint NOT NULL DEFAULT 0,            -- changed rows that met WHERE afterwards
  size integer NOT NULL,                      -- rows of the next batch
  paused boolean NOT NULL DEFAULT false,      -- set it to true to pause, to false to go on
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  finished_at timestamptz
);

-- name: load
SELECT pg_catalog.row_to_json(b) FROM pgassay.backfill AS b WHERE b.id = $1;

-- name: insert
INSERT INTO pgassay.backfill (id, statement, relation, key, size) VALUES ($1, $2, $3, $4::json, $5::int)
ON CONFLICT (id) DO NOTHING;

-- name: forget
DELETE FROM pgassay.backfill WHERE id = $1;

-- name: begin_pass
UPDATE pgassay.backfill SET pass = $2::int, finish = $3::json, position = NULL,
  seen = 0, finished_at = NULL, updated_at = pg_catalog.clock_timestamp() WHERE id = $1;

-- name: advance
UPDATE pgassay.backfill SET position = $3::json, batches = batches + 1, seen = seen + $4::bigint,
  changed = changed + $5::bigint, again = again + $6::bigint, size = $7::int,
  updated_at = pg_catalog.clock_timestamp()
WHERE id = $1 AND batches = $2::bigint AND finished_at IS NULL RETURNING paused;

-- name: paused
SELECT paused FROM pgassay.backfill WHERE id = $1;

-- name: finish
UPDATE pgassay.backfill SET finished_at = pg_catalog.clock_timestamp() WHERE id = $1;

-- name: lock
SELECT pg_catalog.pg_try_advisory_lock(1885823347, pg_catalog.hashtext($1));

-- name: holder
SELECT pg_catalog.format('pid %s%s', l.pid, coalesce(', ' || nullif(a.client_addr::text, ''), ''))
FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1885823347
  AND l.objid = (pg_catalog.hashtext($1)::bigint & 4294967295)::oid LIMIT 1;
