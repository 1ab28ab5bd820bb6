-- migration
CREATE FUNCTION holders() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1::bigint $$;
-- expect: exposes computed
