-- What a role can do to this database beyond reading: one line each, none for a role that can only read.
-- Manual, chapters 21 (roles) and 9.27 (privilege inquiry functions).
WITH me AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER),
mine AS (SELECT oid FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role(CURRENT_USER, oid, 'MEMBER')),
ours AS (
  SELECT oid, nspname FROM pg_catalog.pg_namespace
  WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
)
SELECT 'is a superuser' FROM me WHERE rolsuper
UNION ALL SELECT 'may create roles' FROM me WHERE rolcreaterole
UNION ALL SELECT 'may create databases' FROM me WHERE rolcreatedb
UNION ALL SELECT 'may replicate' FROM me WHERE rolreplication
UNION ALL
SELECT 'is a member of ' || r.rolname FROM pg_catalog.pg_roles AS r JOIN mine USING (oid)
WHERE r.rolname <> CURRENT_USER
  AND (r.rolsuper OR r.rolname IN (
    'pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files',
    'pg_signal_backend', 'pg_maintain', 'pg_create_subscription', 'pg_checkpoint'))
UNION ALL
SELECT 'owns the database' FROM pg_catalog.pg_database
WHERE datname = pg_catalog.current_database() AND datdba IN (SELECT oid FROM mine)
UNION ALL
SELECT 'may create schemas' WHERE pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
UNION ALL
(SELECT 'owns ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class AS c
 JOIN ours AS n ON n.oid = c.relnamespace
 WHERE c.relowner IN (SELECT oid FROM mine) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT 'may write to ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class AS c
 JOIN ours AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'f')
   AND (pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
        OR pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE')) ORDER BY 1 LIMIT 3)
UNION ALL
(SELECT 'may create in schema ' || n.nspname FROM ours AS n
 WHERE pg_catalog.has_schema_privilege(n.oid, 'CREATE') ORDER BY 1 LIMIT 3)
