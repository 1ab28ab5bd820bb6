-- name: role
-- A role belongs to the whole server: it may be there already, and then it is left as it is.
DO $pgassay$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {text}) THEN
    CREATE ROLE {role} NOLOGIN;
    COMMENT ON ROLE {role} IS 'made by pgassay design';
  END IF;
END $pgassay$

-- name: join
-- Only a member may hand tables over to a role. A superuser is one of all; who made the role need not be, since 16.
DO $pgassay$
BEGIN
  IF NOT pg_catalog.pg_has_role({text}, 'USAGE') OR NOT pg_catalog.pg_has_role(
    {text}, CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
  THEN
    EXECUTE pg_catalog.format('GRANT %I TO %I', {text}, CURRENT_USER);
  END IF;
END $pgassay$

-- name: no_role
-- A role that was there before us stays, and so does one that has privileges elsewhere.
DO $pgassay$
BEGIN
  IF pg_catalog.shobj_description(pg_catalog.to_regrole({quoted}), 'pg_authid') = 'made by pgassay design' THEN
    DROP ROLE {role};
  END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
  RAISE NOTICE 'role % has other privileges or members, and stays', {text};
END $pgassay$

-- name: no_schema
DO $pgassay$
BEGIN
  DROP SCHEMA {schema};
EXCEPTION WHEN dependent_objects_still_exist THEN
  RAISE NOTICE 'schema % holds other objects, and stays', {text};
END $pgassay$
