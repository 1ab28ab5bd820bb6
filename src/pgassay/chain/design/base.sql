-- name: touch
CREATE FUNCTION {touch}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  new.updated_at := now();
  RETURN new;
END $body$

-- name: refuse
CREATE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  RAISE EXCEPTION '%.% holds what happened on the chain: rows are inserted, and deleted after a reorganisation',
    tg_table_schema, tg_table_name USING ERRCODE = 'restrict_violation';
END $body$

-- name: event_id
CREATE FUNCTION {event_id}(chain_no smallint, block_number bigint, log_index integer) RETURNS bigint
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF chain_no NOT BETWEEN 1 AND 2047 OR block_number NOT BETWEEN 0 AND 4294967295
     OR log_index NOT BETWEEN 0 AND 1048575 THEN
    RAISE EXCEPTION 'chain number %, block %, log % do not fit an event id', chain_no, block_number, log_index
      USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  RETURN (chain_no::bigint << 52) | (block_number << 20) | log_index;
END $body$

-- name: event_chain
CREATE FUNCTION {event_chain}(event_id bigint) RETURNS smallint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (event_id >> 52)::smallint

-- name: event_block
CREATE FUNCTION {event_block}(event_id bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (event_id >> 20) & 4294967295

-- name: event_log
CREATE FUNCTION {event_log}(event_id bigint) RETURNS integer
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (event_id & 1048575)::integer

-- name: chain_number
CREATE FUNCTION {chain_number}(wanted {chain_type}) RETURNS smallint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE found_no smallint;
BEGIN
  SELECT c.chain_no INTO found_no FROM {chains} c WHERE c.chain_id = wanted;
  IF found_no IS NULL THEN
    INSERT INTO {chains} (chain_id) VALUES (wanted) ON CONFLICT (chain_id) DO NOTHING;
    SELECT c.chain_no INTO found_no FROM {chains} c WHERE c.chain_id = wanted;
  END IF;
  RETURN found_no;
END $body$

-- name: address_number
CREATE FUNCTION {address_number}(on_chain smallint, wanted {address}) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE found_id integer;
BEGIN
  SELECT a.id INTO found_id FROM {addresses} a WHERE a.chain_no = on_chain AND a.address = wanted;
  IF found_id IS NULL THEN
    INSERT INTO {addresses} (chain_no, address) VALUES (on_chain, wanted) ON CONFLICT (chain_no, address) DO NOTHING;
    SELECT a.id INTO found_id FROM {addresses} a WHERE a.chain_no = on_chain AND a.address = wanted;
  END IF;
  RETURN found_id;
END $body$

-- name: revert
CREATE FUNCTION {revert}(of_chain {kind}, from_block bigint) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  event record;
  gone bigint := 0;
  number bigint;
BEGIN
  FOR event IN
    SELECT c.relname FROM pg_class c
    WHERE c.relkind IN ('p', 'r') AND NOT c.relispartition AND c.relnamespace = {namespace}
      AND obj_description(c.oid, 'pg_class') LIKE '%Source: event %' ORDER BY c.relname
  LOOP
    EXECUTE format('DELETE FROM %I.%I WHERE {condition}', {schema_text}, event.relname) USING of_chain, from_block;
    GET DIAGNOSTICS number = ROW_COUNT;
    gone := gone + number;
  END LOOP;
  DELETE FROM {transactions} t WHERE t.{chain} = of_chain AND t.block_number >= from_block;
  DELETE FROM {blocks} b WHERE b.{chain} = of_chain AND b.number >= from_block;
  RETURN gone;
END $body$
