-- The picture of a database as one JSON document of flat lists; read.py puts them together. PostgreSQL 13 and newer:
-- columns that only newer catalogs have are reached through to_jsonb(row). The parts marked "where there are any" are
-- half of the work of planning it: kinds.sql tells which of them there is anything for.
-- What PostgreSQL prints depends on a few settings. They are changed, and put back, within this one statement, so
-- that it works inside and outside of a transaction and leaves nothing behind. The chain of LATERAL and OFFSET 0
-- fixes the order of evaluation: remember, set, read, restore.
WITH RECURSIVE
ours AS MATERIALIZED (
    SELECT oid, nspname, nspowner, nspacl
      FROM pg_catalog.pg_namespace
     WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
extended AS MATERIALIZED (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
),
relation AS MATERIALIZED (
    SELECT c.*
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace IN (SELECT oid FROM ours)
       AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
       AND c.oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
       AND c.reltype NOT IN (SELECT objid FROM extended WHERE classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
),
heap AS MATERIALIZED (
    SELECT oid FROM relation WHERE relkind IN ('r', 'p', 'f', 'v', 'm')
),
type AS MATERIALIZED (
    SELECT t.*
      FROM pg_catalog.pg_type t
     WHERE t.typnamespace IN (SELECT oid FROM ours)
       AND t.typtype IN ('d', 'e', 'r')
       AND t.oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
),
behind AS MATERIALIZED ( -- what is behind each domain, in steps; the last step is no domain
    SELECT oid, typbasetype AS base, typtypmod AS modifier, typnotnull AS not_null
      FROM pg_catalog.pg_type WHERE typtype = 'd'
     UNION ALL
    SELECT behind.oid, t.typbasetype, t.typtypmod, behind.not_null OR t.typnotnull
      FROM behind JOIN pg_catalog.pg_type t ON t.oid = behind.base
     WHERE t.typtype = 'd'
),
kind AS MATERIALIZED ( -- every type with its base type, behind domains
    SELECT t.oid, t.typcategory AS category, t.typcollation AS collation, t.typstorage AS storage,
           COALESCE(b.base, t.oid) AS base, b.modifier, COALESCE(b.not_null, false) AS not_null,
           b.oid IS NOT NULL AND t.typdefault IS NOT NULL AS defaulted,
           CASE WHEN t.typcategory = 'A' THEN COALESCE(bt.typelem, t.typelem) END AS element
      FROM pg_catalog.pg_type t
      LEFT JOIN behind b ON b.oid = t.oid AND b.base NOT IN (SELECT oid FROM behind)
      LEFT JOIN pg_catalog.pg_type bt ON bt.oid = b.base
),
attribute AS MATERIALIZED (
    SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name,
           pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
           pg_catalog.format_type(k.base, NULL) AS base,
           k.category,
           CASE WHEN k.element <> 0
                THEN pg_catalog.format_type(k.element, COALESCE(k.modifier, a.atttypmod)) END AS element,
           a.attnotnull AS not_null, k.not_null AS type_not_null, k.defaulted AS type_default,
           CASE WHEN a.atthasdef THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,
           NULLIF(a.attidentity, '') AS identity,
           NULLIF(a.attgenerated, '') AS generated,
           CASE WHEN a.attcollation NOT IN (0, k.collation) THEN a.attcollation::pg_catalog.regcollation END AS collation,
           CASE WHEN a.attstorage <> k.storage THEN a.attstorage END AS storage,
           NULLIF(pg_catalog.to_jsonb(a) ->> 'attcompression', '') AS compression,
           NULLIF(a.attstattarget, -1) AS statistics,
           a.attndims AS dimensions,
           a.attinhcount > 0 AS inherited,
           COALESCE(a.attoptions, '{}') || COALESCE(a.attfdwoptions, '{}') AS options,
           (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                       CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
                       g.privilege_type, g.is_grantable))
              FROM pg_catalog.aclexplode(a.attacl) g) AS acl
      FROM relation c
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN kind k ON k.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE c.relkind <> 'S'
),
printing (setting, wanted) AS (
    VALUES ('search_path', ''), ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'),
           ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('quote_all_identifiers', 'off')
)
SELECT document.document
  FROM (SELECT pg_catalog.array_agg(setting) AS settings, pg_catalog.array_agg(wanted) AS wanted,
               pg_catalog.array_agg(pg_catalog.current_setting(setting)) AS remembered
          FROM printing OFFSET 0) remember
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(pg_catalog.set_config(s, w, true)) AS done
         FROM ROWS FROM (pg_catalog.unnest(settings), pg_catalog.unnest(wanted)) AS u (s, w)
        WHERE remembered IS NOT NULL OFFSET 0) change
 CROSS JOIN LATERAL (SELECT pg_catalog.json_build_object(

'version', pg_catalog.current_setting('server_version_num')::integer,

'defaults', (
    SELECT pg_catalog.json_object_agg(k, (
               SELECT pg_catalog.json_agg(g.privilege_type)
                 FROM pg_catalog.aclexplode(pg_catalog.acldefault(k, 10)) g WHERE g.grantee = 10))
      FROM pg_catalog.unnest('{r,s,n,T,f}'::"char"[]) k),

'comments', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
               d.classoid::pg_catalog.regclass, d.objoid, d.objsubid, d.description))
      FROM pg_catalog.pg_description d
     WHERE (d.objoid >= 16384 OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
       AND (d.classoid, d.objoid) NOT IN (SELECT classid, objid FROM extended)),

'schemas', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT n.oid, n.nspname AS name, pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
           CASE WHEN n.nspacl IS NOT NULL THEN (
               SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
                          g.privilege_type, g.is_grantable)), '[]')
                 FROM pg_catalog.aclexplode(n.nspacl) g) END AS acl
      FROM ours n
     WHERE n.oid NOT IN (SELECT objid FROM extended
                          WHERE classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)) x),

'relations', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
           pg_catalog.pg_get_userbyid(c.relowner) AS owner,
           c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security,
           c.relpersistence = 'u' AS unlogged, c.relispopulated AS populated,
           COALESCE(c.reloptions, '{}') || ARRAY(
               SELECT 'toast.' || o FROM pg_catalog.pg_class t, pg_catalog.unnest(t.reloptions) o
                WHERE t.oid = c.reltoastrelid) || COALESCE(f.ftoptions, '{}') AS options,
           s.srvname AS server, sp.spcname AS tablespace, am.amname AS method, c.relreplident AS replica_identity,
           c.reloftype <> 0 AS typed, NULLIF(c.reloftype, 0)::pg_catalog.regtype AS of_type,
           CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
           CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
           c.relispartition AS partition,
           (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(pn.nspname, p.relname) ORDER BY i.inhseqno)
              FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
              JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
             WHERE i.inhrelid = c.oid) AS parents,
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition,
           CASE WHEN c.relacl IS NOT NULL THEN (
               SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
                          g.privilege_type, g.is_grantable)), '[]')
                 FROM pg_catalog.aclexplode(c.relacl) g) END AS acl
      FROM relation c
      JOIN ours n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = c.oid
      LEFT JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
      LEFT JOIN pg_catalog.pg_tablespace sp ON sp.oid = c.reltablespace
      LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam AND am.amname <> 'heap') x),

'columns', (SELECT pg_catalog.json_agg(x ORDER BY x.relation, x.number) FROM attribute x),

'constraints', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT k.oid, k.conrelid AS relation, k.contypid AS type, k.conname AS name, k.contype AS kind,
           ARRAY(SELECT a.attname FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u (n, i)
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i) AS columns,
           pg_catalog.pg_get_constraintdef(k.oid) AS definition,
           CASE WHEN k.contype = 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) END AS expression,
           rn.nspname AS ref_schema, r.relname AS ref_name,
           ARRAY(SELECT a.attname FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u (n, i)
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n
                  ORDER BY u.i) AS referenced_columns,
           k.confdeltype AS on_delete, k.confupdtype AS on_update, k.convalidated AS validated,
           COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced,
           k.condeferrable AS deferrable, k.condeferred AS deferred,
           k.coninhcount > 0 OR k.conparentid <> 0 AS inherited,
           CASE WHEN k.contype IN ('p', 'u', 'x') THEN i.relname END AS index
      FROM pg_catalog.pg_constraint k
      LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
      LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
      LEFT JOIN pg_catalog.pg_class i ON i.oid = k.conindid
      LEFT JOIN pg_catalog.pg_constraint parent ON parent.oid = k.conparentid
     WHERE (k.conrelid IN (SELECT oid FROM heap) OR k.contypid IN (SELECT oid FROM type))
       AND k.contype <> 't'
       -- columns say NOT NULL themselves, except that it is not valid or not inherited (PostgreSQL 18)
       AND (k.contype <> 'n' OR NOT k.convalidated OR k.connoinherit)
       -- a key to a partitioned table has a row for each partition there
       AND (parent.oid IS NULL OR parent.conrelid <> k.conrelid)) x),

'indexes', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT i.indexrelid AS oid, i.indrelid AS relation, c.relname AS name, am.amname AS method,
           (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, CASE u.attnum WHEN 0
                       THEN pg_catalog.pg_get_indexdef(i.indexrelid, u.n::integer, false)
                       ELSE pg_catalog.quote_ident(a.attname) END) ORDER BY u.n)
              FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY u (attnum, n)
              LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum) AS keys,
           i.indnkeyatts AS key_count,
           CASE WHEN i.indpred IS NOT NULL THEN pg_catalog.pg_get_expr(i.indpred, i.indrelid) END AS where,
           i.indisunique AS unique,
           NOT COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_distinct,
           i.indisprimary AS primary, i.indisexclusion AS exclusion, k.conname AS constraint,
           i.indisvalid AS valid, i.indisclustered AS clustered, i.indisreplident AS replica_identity,
           pg_catalog.pg_get_indexdef(i.indexrelid) AS definition, sp.spcname AS tablespace,
           pn.nspname AS parent_schema, p.relname AS parent_name
      FROM heap h
      JOIN pg_catalog.pg_index i ON i.indrelid = h.oid
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_am am ON am.oid = c.relam
      LEFT JOIN pg_catalog.pg_constraint k
             ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
      LEFT JOIN pg_catalog.pg_tablespace sp ON sp.oid = c.reltablespace
      LEFT JOIN pg_catalog.pg_inherits inh ON inh.inhrelid = i.indexrelid
      LEFT JOIN pg_catalog.pg_class p ON p.oid = inh.inhparent
      LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace) x),

-- where there are any: triggers
'triggers', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT t.oid, t.tgrelid AS relation, t.tgname AS name, pg_catalog.pg_get_triggerdef(t.oid) AS definition,
           n.nspname AS function_schema, p.proname AS function_name, t.tgenabled AS enabled,
           t.tgparentid <> 0 AS inherited
      FROM heap h
      JOIN pg_catalog.pg_trigger t ON t.tgrelid = h.oid
      JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
      JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE NOT t.tgisinternal OR (t.tgparentid <> 0 AND t.tgconstraint = 0)) x),

-- where there are any: policies
'policies', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT p.oid, p.polrelid AS relation, p.polname AS name, p.polcmd AS command, p.polpermissive AS permissive,
           ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(r) END
                   FROM pg_catalog.unnest(p.polroles) r ORDER BY 1) AS roles,
           pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS using,
           pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS check
      FROM heap h JOIN pg_catalog.pg_policy p ON p.polrelid = h.oid) x),

-- where there are any: rules
'rules', (
    SELECT pg_catalog.json_agg(x ORDER BY x.name) FROM (
    SELECT r.ev_class AS relation, r.rulename AS name, r.ev_enabled AS enabled,
           pg_catalog.pg_get_ruledef(r.oid) AS definition
      FROM heap h JOIN pg_catalog.pg_rewrite r ON r.ev_class = h.oid
     WHERE r.rulename <> '_RETURN') x),

'sequences', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT s.seqrelid AS relation, pg_catalog.format_type(s.seqtypid, NULL) AS type, s.seqstart AS start,
           s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache,
           s.seqcycle AS cycle, d.refobjid AS owner_relation, d.refobjsubid AS owner_column,
           COALESCE(d.deptype = 'i', false) AS identity
      FROM relation c
      JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
      LEFT JOIN pg_catalog.pg_depend d
             ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')) x),

-- where there are any: types
'types', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typtype AS kind,
           pg_catalog.pg_get_userbyid(t.typowner) AS owner,
           (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
              FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) AS labels,
           pg_catalog.format_type(t.typbasetype, t.typtypmod) AS type, pg_catalog.format_type(k.base, NULL) AS base,
           k.category, t.typnotnull AS not_null,
           CASE WHEN t.typdefaultbin IS NOT NULL THEN pg_catalog.pg_get_expr(t.typdefaultbin, 0) END AS default,
           CASE WHEN t.typtype = 'd' AND t.typcollation NOT IN (0, b.typcollation)
                THEN t.typcollation::pg_catalog.regcollation END AS collation,
           pg_catalog.format_type(r.rngsubtype, NULL) AS subtype,
           NULLIF(r.rngcanonical, 0)::pg_catalog.regprocedure AS canonical,
           NULLIF(r.rngsubdiff, 0)::pg_catalog.regprocedure AS difference,
           CASE WHEN r.rngcollation NOT IN (0, rt.typcollation)
                THEN r.rngcollation::pg_catalog.regcollation END AS range_collation,
           CASE WHEN NOT o.opcdefault THEN pg_catalog.quote_ident(o.opcname) END AS operator_class,
           pg_catalog.format_type((pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid, NULL) AS multirange,
           CASE WHEN t.typacl IS NOT NULL THEN (
               SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
                          g.privilege_type, g.is_grantable)), '[]')
                 FROM pg_catalog.aclexplode(t.typacl) g) END AS acl
      FROM type t
      JOIN ours n ON n.oid = t.typnamespace
      JOIN kind k ON k.oid = t.oid
      LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
      LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
      LEFT JOIN pg_catalog.pg_type rt ON rt.oid = r.rngsubtype
      LEFT JOIN pg_catalog.pg_opclass o ON o.oid = r.rngsubopc) x),

-- where there are any: composites
'composites', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT c.oid AS relation, t.oid, n.nspname AS schema, c.relname AS name,
           pg_catalog.pg_get_userbyid(t.typowner) AS owner,
           CASE WHEN t.typacl IS NOT NULL THEN (
               SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
                          g.privilege_type, g.is_grantable)), '[]')
                 FROM pg_catalog.aclexplode(t.typacl) g) END AS acl
      FROM relation c
      JOIN pg_catalog.pg_type t ON t.oid = c.reltype
      JOIN ours n ON n.oid = c.relnamespace
     WHERE c.relkind = 'c') x),

-- where there are any: routines
'routines', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT p.oid, n.nspname AS schema, p.proname AS name, p.prokind AS kind,
           pg_catalog.pg_get_userbyid(p.proowner) AS owner,
           pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
           pg_catalog.pg_get_function_result(p.oid) AS result, l.lanname AS language,
           CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END AS definition,
           (SELECT pg_catalog.to_jsonb(x) FROM (
                SELECT g.aggkind AS kind, NULLIF(g.aggtransfn, 0)::pg_catalog.regproc AS sfunc,
                       pg_catalog.format_type(g.aggtranstype, NULL) AS stype, NULLIF(g.aggtransspace, 0) AS sspace,
                       NULLIF(g.aggfinalfn, 0)::pg_catalog.regproc AS finalfunc, g.aggfinalextra AS finalfunc_extra,
                       g.aggfinalmodify AS finalfunc_modify, g.agginitval AS initcond,
                       NULLIF(g.aggcombinefn, 0)::pg_catalog.regproc AS combinefunc,
                       NULLIF(g.aggserialfn, 0)::pg_catalog.regproc AS serialfunc,
                       NULLIF(g.aggdeserialfn, 0)::pg_catalog.regproc AS deserialfunc,
                       NULLIF(g.aggmtransfn, 0)::pg_catalog.regproc AS msfunc,
                       NULLIF(g.aggminvtransfn, 0)::pg_catalog.regproc AS minvfunc,
                       pg_catalog.format_type(NULLIF(g.aggmtranstype, 0), NULL) AS mstype,
                       NULLIF(g.aggmtransspace, 0) AS msspace,
                       NULLIF(g.aggmfinalfn, 0)::pg_catalog.regproc AS mfinalfunc, g.aggmfinalextra AS mfinalfunc_extra,
                       g.aggmfinalmodify AS mfinalfunc_modify, g.aggminitval AS minitcond,
                       (SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                          FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                         WHERE o.oid = g.aggsortop) AS sortop,
                       p.proparallel AS parallel
                  FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid = p.oid) x) AS aggregate,
           p.prosecdef AS security_definer, p.provolatile AS volatility, p.pronargdefaults AS defaults,
           CASE WHEN p.proacl IS NOT NULL THEN (
               SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                          CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
                          g.privilege_type, g.is_grantable)), '[]')
                 FROM pg_catalog.aclexplode(p.proacl) g) END AS acl
      FROM pg_catalog.pg_proc p
      JOIN ours n ON n.oid = p.pronamespace
      JOIN pg_catalog.pg_language l ON l.oid = p.prolang
     WHERE p.oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
       -- constructors of range and multirange types come and go with them
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                          AND d.deptype = 'i')) x),

'extensions', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT e.oid, e.extname AS name, e.extversion AS version, n.nspname AS schema
      FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace) x),

-- where there are any: statistics
'statistics', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT s.oid, n.nspname AS schema, s.stxname AS name, s.stxrelid AS relation,
           pg_catalog.pg_get_statisticsobjdef(s.oid) AS definition, NULLIF(s.stxstattarget, -1) AS target
      FROM heap h
      JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = h.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace) x),

'dependencies', (
    SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_array(
               d.classid::pg_catalog.regclass, d.objid::text, d.objsubid,
               d.refclassid::pg_catalog.regclass, d.refobjid::text, d.refobjsubid))
      FROM pg_catalog.pg_depend d
     WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype <> 'e'
       AND (d.classid, d.objid) NOT IN (SELECT classid, objid FROM extended)),

'aliases', ( -- what is known by another object: defaults, rules, types of rows and arrays, members of extensions
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT 'pg_attrdef' AS class, d.oid::text AS oid, 'pg_class' AS of_class, d.adrelid::text AS of_oid, d.adnum AS number,
           NULL::text AS name
      FROM pg_catalog.pg_attrdef d WHERE d.adrelid IN (SELECT oid FROM heap)
     UNION ALL
    SELECT 'pg_rewrite', r.oid::text, 'pg_class', r.ev_class::text, 0, NULLIF(r.rulename::text, '_RETURN')
      FROM pg_catalog.pg_rewrite r WHERE r.ev_class IN (SELECT oid FROM heap)
     UNION ALL
    SELECT 'pg_type', t.oid::text, 'pg_class', t.typrelid::text, 0, NULL
      FROM pg_catalog.pg_type t WHERE t.typrelid >= 16384
     UNION ALL
    SELECT 'pg_type', t.oid::text, 'pg_type', t.typelem::text, 0, NULL
      FROM pg_catalog.pg_type t WHERE t.typelem >= 16384 AND t.typcategory = 'A'
     UNION ALL
    SELECT 'pg_type', pg_catalog.to_jsonb(r) ->> 'rngmultitypid', 'pg_type', r.rngtypid::text, 0, NULL
      FROM pg_catalog.pg_range r WHERE r.rngtypid >= 16384
     UNION ALL
    SELECT 'pg_publication_rel', p.oid::text, 'pg_publication', p.prpubid::text, 0, NULL
      FROM pg_catalog.pg_publication_rel p
     UNION ALL
    SELECT d.classid::pg_catalog.regclass::text, d.objid::text, 'pg_extension', d.refobjid::text, 0, NULL
      FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid >= 16384) x),

-- where there are any: others
'others', (
    SELECT pg_catalog.json_agg(x) FROM (
    SELECT i.type AS kind, i.identity AS name, NULLIF(pg_catalog.concat_ws(' ', VARIADIC o.parts), '') AS definition,
           pg_catalog.replace(o.sql, '@name@', i.identity) AS sql, o.class::pg_catalog.regclass AS class, o.oid
      FROM (
        SELECT c.tableoid, c.oid, ARRAY[c.collprovider, c.collcollate, c.collctype, c.collisdeterministic::text,
               pg_catalog.to_jsonb(c) ->> 'colliculocale', pg_catalog.to_jsonb(c) ->> 'colllocale',
               pg_catalog.to_jsonb(c) ->> 'collicurules']::text[] AS parts,
               pg_catalog.format('CREATE COLLATION @name@ (PROVIDER = %s%s%s%s)',
                   CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
                   CASE c.collprovider WHEN 'c'
                        THEN pg_catalog.format(', LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype)
                        ELSE pg_catalog.format(', LOCALE = %L', COALESCE(pg_catalog.to_jsonb(c) ->> 'colllocale',
                                 pg_catalog.to_jsonb(c) ->> 'colliculocale', c.collcollate)) END,
                   CASE WHEN NOT c.collisdeterministic THEN ', DETERMINISTIC = false' END,
                   ', RULES = ' || pg_catalog.quote_literal(pg_catalog.to_jsonb(c) ->> 'collicurules')) AS sql
          FROM pg_catalog.pg_collation c
         UNION ALL
        SELECT tableoid, oid, ARRAY[castfunc::pg_catalog.regprocedure::text, castcontext::text, castmethod::text],
               pg_catalog.format('CREATE CAST @name@ %s%s',
                   CASE castmethod WHEN 'b' THEN 'WITHOUT FUNCTION' WHEN 'i' THEN 'WITH INOUT'
                        ELSE 'WITH FUNCTION ' || castfunc::pg_catalog.regprocedure::text END,
                   CASE castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)
          FROM pg_catalog.pg_cast c
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d -- a range's to its multirange comes with the type
                            WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'i')
         UNION ALL
        SELECT o.tableoid, o.oid, ARRAY[oprcode::text, oprcom::pg_catalog.regoperator::text,
               oprnegate::pg_catalog.regoperator::text, oprrest::text, oprjoin::text, oprcanmerge::text, oprcanhash::text],
               CASE WHEN oprcode <> 0 THEN pg_catalog.format('CREATE OPERATOR %I.%s (FUNCTION = %s%s)', n.nspname, oprname,
                   oprcode::pg_catalog.regproc, pg_catalog.concat(
                       ', LEFTARG = ' || pg_catalog.format_type(NULLIF(oprleft, 0), NULL),
                       ', RIGHTARG = ' || pg_catalog.format_type(NULLIF(oprright, 0), NULL),
                       (SELECT pg_catalog.format(', COMMUTATOR = OPERATOR(%I.%s)', m.nspname, other.oprname)
                          FROM pg_catalog.pg_operator other JOIN pg_catalog.pg_namespace m ON m.oid = other.oprnamespace
                         WHERE other.oid = o.oprcom),
                       (SELECT pg_catalog.format(', NEGATOR = OPERATOR(%I.%s)', m.nspname, other.oprname)
                          FROM pg_catalog.pg_operator other JOIN pg_catalog.pg_namespace m ON m.oid = other.oprnamespace
                         WHERE other.oid = o.oprnegate),
                       ', RESTRICT = ' || NULLIF(oprrest, 0)::pg_catalog.regproc,
                       ', JOIN = ' || NULLIF(oprjoin, 0)::pg_catalog.regproc,
                       CASE WHEN oprcanhash THEN ', HASHES' END, CASE WHEN oprcanmerge THEN ', MERGES' END)) END
          FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = oprnamespace
         UNION ALL
        SELECT tableoid, oid, ARRAY[opcdefault::text], NULL FROM pg_catalog.pg_opclass
         UNION ALL
        SELECT tableoid, oid, NULL, NULL FROM pg_catalog.pg_opfamily
         UNION ALL
        SELECT tableoid, oid, ARRAY[conproc::text, condefault::text],
               pg_catalog.format('CREATE %sCONVERSION @name@ FOR %L TO %L FROM %s',
                   CASE WHEN condefault THEN 'DEFAULT ' END, pg_catalog.pg_encoding_to_char(conforencoding),
                   pg_catalog.pg_encoding_to_char(contoencoding), conproc::pg_catalog.regproc)
          FROM pg_catalog.pg_conversion
         UNION ALL
        SELECT tableoid, oid, ARRAY(
               SELECT pg_catalog.format('%s:%s', m.maptokentype, m.mapdict::pg_catalog.regdictionary)
                 FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = c.oid ORDER BY m.maptokentype, m.mapseqno),
               pg_catalog.format('CREATE TEXT SEARCH CONFIGURATION @name@ (PARSER = %s)',
                   (SELECT pg_catalog.format('%I.%I', n.nspname, p.prsname) FROM pg_catalog.pg_ts_parser p
                      JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace WHERE p.oid = c.cfgparser))
               || COALESCE((SELECT pg_catalog.string_agg(pg_catalog.format(
                          E';\nALTER TEXT SEARCH CONFIGURATION @name@ ADD MAPPING FOR %I WITH %s', alias, dictionaries), ''
                          ORDER BY tokid) FROM (
                      SELECT tokid, alias, pg_catalog.string_agg(m.mapdict::pg_catalog.regdictionary::text, ', '
                                 ORDER BY m.mapseqno) AS dictionaries
                        FROM pg_catalog.ts_token_type(c.cfgparser) t
                        JOIN pg_catalog.pg_ts_config_map m ON m.mapcfg = c.oid AND m.maptokentype = t.tokid
                       GROUP BY tokid, alias) mapping), '')
          FROM pg_catalog.pg_ts_config c WHERE c.oid >= 16384
         UNION ALL
        SELECT d.tableoid, d.oid, ARRAY[dictinitoption],
               pg_catalog.format('CREATE TEXT SEARCH DICTIONARY @name@ (TEMPLATE = %I.%I%s)', n.nspname, t.tmplname,
                   ', ' || dictinitoption)
          FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate
          JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
         UNION ALL
        SELECT p.tableoid, p.oid,
               ARRAY[pg_catalog.to_jsonb(p) - '{oid,pubname,pubowner}'::text[] #>> '{}'] || members.texts,
               pg_catalog.format('CREATE PUBLICATION @name@%s WITH (publish = %L, publish_via_partition_root = %s%s)',
                   CASE WHEN p.puballtables THEN ' FOR ALL TABLES'
                        ELSE ' FOR ' || NULLIF(pg_catalog.array_to_string(members.texts, ', '), '') END,
                   pg_catalog.concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                       CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
                   p.pubviaroot::text, CASE pg_catalog.to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN ', publish_generated_columns = stored' END)
          FROM pg_catalog.pg_publication p
         CROSS JOIN LATERAL (
               SELECT ARRAY(
                   SELECT 'TABLE ' || r.prrelid::pg_catalog.regclass || COALESCE((
                              SELECT ' (' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', '
                                         ORDER BY a.attnum) || ')'
                                FROM pg_catalog.pg_attribute a
                               WHERE a.attrelid = r.prrelid
                                 AND pg_catalog.to_jsonb(r) -> 'prattrs' @> pg_catalog.to_jsonb(a.attnum)), '')
                          || COALESCE(' WHERE ' || pg_catalog.pg_get_expr(( -- prqual came with PostgreSQL 15
                                 SELECT found FROM (SELECT NULL::pg_catalog.pg_node_tree AS prqual) absent
                                  CROSS JOIN LATERAL (SELECT prqual AS found FROM pg_catalog.pg_publication_rel
                                                       WHERE oid = r.oid) q), r.prrelid), '')
                     FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid ORDER BY 1)
                   || ARRAY(
                   SELECT 'TABLES IN SCHEMA ' || n.oid::pg_catalog.regnamespace
                     FROM pg_catalog.pg_depend d
                     JOIN pg_catalog.pg_depend e ON e.classid = d.classid AND e.objid = d.objid
                     JOIN pg_catalog.pg_namespace n ON n.oid = e.refobjid
                    WHERE d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass AND d.refobjid = p.oid
                      AND e.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass ORDER BY 1) AS texts) members
         UNION ALL
        SELECT tableoid, oid, ARRAY[evtevent::text, evtfoid::pg_catalog.regproc::text, evtenabled::text, evttags::text],
               pg_catalog.format('CREATE EVENT TRIGGER @name@ ON %I%s EXECUTE FUNCTION %s()%s', evtevent,
                   (SELECT ' WHEN TAG IN (' || pg_catalog.string_agg(pg_catalog.quote_literal(t), ', ') || ')'
                      FROM pg_catalog.unnest(evttags) t), evtfoid::pg_catalog.regproc,
                   E';\nALTER EVENT TRIGGER @name@ '
                       || CASE evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END)
          FROM pg_catalog.pg_event_trigger
         UNION ALL
        SELECT tableoid, oid, ARRAY[fdwoptions::text],
               pg_catalog.format('CREATE FOREIGN DATA WRAPPER @name@%s%s%s', ' HANDLER ' || NULLIF(fdwhandler, 0)::pg_catalog.regproc,
                   ' VALIDATOR ' || NULLIF(fdwvalidator, 0)::pg_catalog.regproc,
                   (SELECT ' OPTIONS (' || pg_catalog.string_agg(pg_catalog.format('%I %L', option_name, option_value), ', ')
                               || ')' FROM pg_catalog.pg_options_to_table(fdwoptions)))
          FROM pg_catalog.pg_foreign_data_wrapper
         UNION ALL
        SELECT s.tableoid, s.oid, ARRAY[srvtype, srvversion, srvoptions::text],
               pg_catalog.format('CREATE SERVER @name@%s%s FOREIGN DATA WRAPPER %I%s', ' TYPE ' || pg_catalog.quote_literal(srvtype),
                   ' VERSION ' || pg_catalog.quote_literal(srvversion), w.fdwname,
                   (SELECT ' OPTIONS (' || pg_catalog.string_agg(pg_catalog.format('%I %L', option_name, option_value), ', ')
                               || ')' FROM pg_catalog.pg_options_to_table(srvoptions)))
          FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
         UNION ALL
        SELECT d.tableoid, d.oid, ARRAY(SELECT pg_catalog.unnest(defaclacl)::text ORDER BY 1),
               (SELECT pg_catalog.string_agg(pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s %s %s ON %s %s %s%s',
                           pg_catalog.pg_get_userbyid(defaclrole),
                           (SELECT pg_catalog.format(' IN SCHEMA %I', nspname) FROM pg_catalog.pg_namespace
                             WHERE oid = defaclnamespace),
                           verb, privileges,
                           CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                               WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
                           CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END,
                           CASE grantee WHEN 0 THEN 'PUBLIC'
                               ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END,
                           CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END), E';\n'
                           ORDER BY verb DESC, grantee, is_grantable)
                  FROM (SELECT verb, grantee, is_grantable,
                               pg_catalog.string_agg(privilege_type, ', ' ORDER BY privilege_type) AS privileges
                          FROM (SELECT 'GRANT' AS verb, given.* FROM (
                                    SELECT grantee, privilege_type, is_grantable FROM pg_catalog.aclexplode(d.defaclacl)
                                    EXCEPT
                                    SELECT grantee, privilege_type, is_grantable FROM pg_catalog.aclexplode(usual.acl)) given
                                 UNION ALL
                                SELECT 'REVOKE', taken.* FROM (
                                    SELECT grantee, privilege_type, is_grantable FROM pg_catalog.aclexplode(usual.acl)
                                    EXCEPT
                                    SELECT grantee, privilege_type, is_grantable FROM pg_catalog.aclexplode(d.defaclacl)
                                ) taken) entry
                         GROUP BY verb, grantee, is_grantable) line)
          FROM pg_catalog.pg_default_acl d
         CROSS JOIN LATERAL (
               SELECT CASE WHEN d.defaclnamespace = 0 AND d.defaclobjtype <> 'L' THEN pg_catalog.acldefault(
                          CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END AS acl) usual
         UNION ALL
        SELECT tableoid, oid, NULL, NULL FROM pg_catalog.pg_type
         WHERE typtype = 'b' AND typcategory <> 'A' AND typisdefined
      ) o (class, oid, parts, sql)
     CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.oid, 0) i
     WHERE o.oid >= 16384 AND (o.class, o.oid) NOT IN (SELECT classid, objid FROM extended)) x)

) AS document WHERE change.done > 0 OFFSET 0) document
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(pg_catalog.set_config(s, r, true)) AS done
         FROM ROWS FROM (pg_catalog.unnest(settings), pg_catalog.unnest(remembered)) AS u (s, r)
        WHERE document.document IS NOT NULL OFFSET 0) restore
 WHERE restore.done > 0
