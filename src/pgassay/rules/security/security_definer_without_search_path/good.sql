-- migration
CREATE FUNCTION holders() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT 1::bigint $$;
-- expect: none
