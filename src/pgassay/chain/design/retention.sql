-- name: expired
CREATE FUNCTION {expired}(as_of timestamptz DEFAULT now())
  RETURNS TABLE (event_table text, partition_name text, {chain_out}from_{noun} {kind}, to_{noun} {kind}, bytes bigint, action text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $body$
  WITH RECURSIVE heads AS (
    -- The newest block of each chain: one look at the key for each.
    (SELECT b.{chain} AS chain, b.number, b."time" FROM {blocks} b ORDER BY b.{chain} DESC, b.number DESC LIMIT 1)
    UNION ALL
    SELECT n.* FROM heads h CROSS JOIN LATERAL (
      SELECT b.{chain}, b.number, b."time" FROM {blocks} b WHERE b.{chain} < h.chain
      ORDER BY b.{chain} DESC, b.number DESC LIMIT 1
    ) n
  ), kept (parent, days, first) AS (
    VALUES {kept}
  ), parts AS (
    SELECT k.parent, c.relname::text AS part, c.relname = k.first AS first, as_of - k.days * interval '1 day' AS since,
      pg_total_relation_size(c.oid) AS bytes, pg_relation_size(c.oid) AS filled,
      regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \('([^']+)'\) TO \('([^']+)'\)$$) AS ends
    FROM kept k JOIN pg_class p ON p.relname = k.parent AND p.relnamespace = {namespace}
    JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
  ), slices AS (
    SELECT *, {low} AS low, {high} AS high, {of_chain} AS chain FROM parts WHERE ends IS NOT NULL
  )
  SELECT s.parent, s.part, {chain_of}s.low, s.high, s.bytes, CASE WHEN s.first THEN 'empty' ELSE 'drop' END
  FROM slices s
  -- Some chain is past it, and none is within it; the next block behind it is older than what is kept.
  WHERE (s.filled > 0 OR NOT s.first)
    AND EXISTS (SELECT FROM heads h WHERE {same}h.{reached} >= s.high)
    AND NOT EXISTS (SELECT FROM heads h WHERE {same}h.{reached} >= s.low AND (h.{reached} < s.high OR {young}))
  ORDER BY s.parent, s.low
$body$

-- name: young
(
      SELECT b."time" FROM {blocks} b WHERE b.{chain} = h.chain AND b.number >= s.high
      ORDER BY b.number LIMIT 1) >= s.since

-- name: maintain
CREATE FUNCTION {maintain}(as_of timestamptz DEFAULT now())
  RETURNS TABLE (partition_name text, action text)
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s' AS $body$
DECLARE old record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended({lock_name}, 0));
  PERFORM {made} FROM ({newest}) reached;
  FOR old IN SELECT * FROM {expired}(as_of) LOOP
    partition_name := old.partition_name;
    action := CASE old.action WHEN 'empty' THEN 'emptied' ELSE 'dropped' END;
    BEGIN
      IF old.action = 'empty' THEN
        -- The first partition is the one that migrations name: it stays.
        EXECUTE format('TRUNCATE TABLE %I.%I', {schema_text}, old.partition_name);
      ELSE
        EXECUTE format('DROP TABLE %I.%I', {schema_text}, old.partition_name);
      END IF;
      -- A chain that comes here again makes its partitions again.
      DELETE FROM {horizon} m WHERE {mark};
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      action := 'busy: left for the next time';
    END;
    RETURN NEXT;
  END LOOP;
END $body$

-- name: renew
CREATE FUNCTION {renew}() RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $body$
  SELECT sum({made_ahead}) FROM (
    SELECT {marks}, {ahead} AS ahead FROM {horizon} h
    UNION ALL
    -- Slices that some tables have kept though others have let them go.
    SELECT DISTINCT {held}, 0 FROM (
      SELECT (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \('([^']+)'\)$$)) AS ends
      FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
      WHERE p.relkind = 'p' AND p.relnamespace = {namespace}
        AND obj_description(p.oid, 'pg_class') LIKE '%Source: event %'
    ) s WHERE ends IS NOT NULL
  ) reached
$body$
