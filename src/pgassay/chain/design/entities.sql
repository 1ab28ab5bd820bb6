-- name: aggregate
CREATE FUNCTION {function}() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  -- One who counts a bucket at a time: the next one sees what this one counted.
  PERFORM pg_advisory_xact_lock(hashtextextended({lock}, 0));
  WITH touched AS (
    SELECT DISTINCT {touched} FROM changed e CROSS JOIN LATERAL (VALUES {intervals}) AS i (span)
  ), counted AS (
    SELECT {keys_k}{selected}
    FROM touched k JOIN {source} e ON e.{time} >= k.{stamp} AND e.{time} < k.{stamp} + ('1 ' || k.span)::interval{same}
    GROUP BY {keys_k}
  ), gone AS (
    DELETE FROM {table} s USING touched k
    WHERE {matched} AND NOT EXISTS (SELECT FROM counted c WHERE {again})
  )
  INSERT INTO {table} AS s ({keys}{columns}) SELECT {keys}{columns} FROM counted ORDER BY {keys}
  ON CONFLICT ({keys}) DO {action};
  RETURN NULL;
END $body$
