-- name: block
CREATE FUNCTION {make}({chain_parameter}from_block bigint, ahead integer DEFAULT {ahead}) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  parent record;
  made integer := 0;
  low bigint;
  part text;
BEGIN
  FOR parent IN
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relkind = 'p' AND c.relnamespace = {namespace}
      AND obj_description(c.oid, 'pg_class') LIKE '%Source: event %' ORDER BY c.relname
  LOOP
    FOR step IN 0 .. ahead LOOP
      low := from_block / {size} * {size} + step * {size}::bigint;
      part := left(parent.relname, 32) || '_' || left(md5(parent.relname), 6) || '_'{chain_mark} || low;
      IF EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent.oid
          AND pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (%L) TO (%L)', {low}, {high})
      ) THEN
        CONTINUE;
      END IF;
      -- Built beside and then attached: readers and writers of the table wait for neither.
      EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)',
        {schema_text}, part, {schema_text}, parent.relname);{secure}
      EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        {schema_text}, parent.relname, {schema_text}, part, {low}, {high});
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $body$

-- name: time
CREATE FUNCTION {make}(from_time timestamptz, ahead integer DEFAULT {ahead}) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $body$
DECLARE
  parent record;
  made integer := 0;
  low timestamptz;
  high timestamptz;
  part text;
BEGIN
  FOR parent IN
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relkind = 'p' AND c.relnamespace = {namespace}
      AND obj_description(c.oid, 'pg_class') LIKE '%Source: event %' ORDER BY c.relname
  LOOP
    FOR step IN 0 .. ahead LOOP
      low := date_bin('{size} days', from_time, '2015-07-27 00:00+00') + step * interval '{size} days';
      high := low + interval '{size} days';
      part := left(parent.relname, 32) || '_' || left(md5(parent.relname), 6) || '_' || to_char(low, 'YYYYMMDD');
      IF EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent.oid
          AND pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (%L) TO (%L)', low, high)
      ) THEN
        CONTINUE;
      END IF;
      EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)',
        {schema_text}, part, {schema_text}, parent.relname);{secure}
      EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        {schema_text}, parent.relname, {schema_text}, part, low, high);
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $body$

-- name: secure
EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', {schema_text}, part);
      EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', {schema_text}, part);

-- name: on_blocks
CREATE FUNCTION {on_blocks}() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE reached record;
BEGIN
  FOR reached IN SELECT DISTINCT {reached} FROM new_rows n ORDER BY 1 LOOP
    -- What has been made is marked, so that nearly every block costs one look at a small table.
    IF NOT EXISTS (SELECT FROM {horizon} h WHERE {known}) THEN
      PERFORM pg_advisory_xact_lock(hashtextextended({lock_name}, 0));
      PERFORM {call};
      INSERT INTO {horizon} ({marks}) VALUES ({values}) ON CONFLICT DO NOTHING;
    END IF;
  END LOOP;
  RETURN NULL;
END $body$

-- name: renew
CREATE FUNCTION {renew}() RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT sum({made}) FROM {horizon} reached
$body$
