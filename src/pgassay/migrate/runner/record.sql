-- name: schema
CREATE SCHEMA IF NOT EXISTS pgassay

-- name: table
CREATE TABLE IF NOT EXISTS pgassay.step (
    project text NOT NULL,
    migration text NOT NULL,
    way text NOT NULL CHECK (way IN ('up', 'down')),
    number integer NOT NULL,
    steps integer NOT NULL,
    digest text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('started', 'done', 'failed')),
    statement text NOT NULL,
    error text,
    detail jsonb NOT NULL DEFAULT '{}',
    began timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    PRIMARY KEY (project, migration, way, number)
)

-- name: comment
COMMENT ON TABLE pgassay.step IS 'What pgassay migrate has run, step by step: a run that was cut off resumes here.'

-- name: exists
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pgassay' AND c.relname = 'step'
)

-- name: rows
SELECT pg_catalog.json_agg(pg_catalog.to_jsonb(s) OPERATOR(pg_catalog.-) 'project' ORDER BY s.began, s.number)
FROM pgassay.step AS s
WHERE s.project = $1

-- name: write
INSERT INTO pgassay.step
    (project, migration, way, number, steps, digest, kind, state, statement, error, detail, began, ended)
VALUES (
    $1, $2, $3, $4::pg_catalog.int4, $5::pg_catalog.int4, $6, $7, $8::pg_catalog.text, $9, $10, $11::pg_catalog.jsonb,
    $12::pg_catalog.timestamptz,
    CASE WHEN $8::pg_catalog.text = 'started' THEN NULL ELSE pg_catalog.clock_timestamp() END
)
ON CONFLICT (project, migration, way, number) DO UPDATE SET
    steps = excluded.steps, digest = excluded.digest, kind = excluded.kind, state = excluded.state,
    statement = excluded.statement, error = excluded.error, detail = excluded.detail, ended = excluded.ended,
    began = CASE WHEN excluded.state = 'started' THEN excluded.began ELSE step.began END

-- name: detail
UPDATE pgassay.step SET detail = $5::pg_catalog.jsonb
WHERE project = $1 AND migration = $2 AND way = $3 AND number = $4::pg_catalog.int4

-- name: forget
DELETE FROM pgassay.step WHERE project = $1 AND migration = $2

-- name: now
SELECT pg_catalog.clock_timestamp()
