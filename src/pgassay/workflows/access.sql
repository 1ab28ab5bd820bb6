-- name: roles
-- Who is there, who belongs to whom, and whom row security does not bind.
SELECT pg_catalog.json_build_object(
  'roles', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', r.rolname, 'unbound', r.rolsuper OR r.rolbypassrls, 'super', r.rolsuper, 'inherit', r.rolinherit))
    FROM pg_catalog.pg_roles r WHERE r.rolname NOT LIKE 'pg\_%'),
  'members', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(g.rolname, u.rolname))
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles u ON u.oid = m.member
    WHERE g.rolname NOT LIKE 'pg\_%' AND u.rolname NOT LIKE 'pg\_%'
      AND coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::boolean, true)))
