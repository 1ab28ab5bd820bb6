-- The parts of read.sql that would find nothing: kinds of objects of which nobody has made any (manual, chapter 53.1:
-- OIDs from 16384 on are those of users).
SELECT pg_catalog.string_agg(part, ' ') FROM (VALUES
    ('triggers', EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE NOT tgisinternal OR tgparentid <> 0)),
    ('policies', EXISTS (SELECT FROM pg_catalog.pg_policy)),
    ('rules', EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN')),
    ('types', EXISTS (SELECT FROM pg_catalog.pg_type WHERE oid >= 16384 AND typtype IN ('d', 'e', 'r'))),
    ('composites', EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind = 'c')),
    ('routines', EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= 16384)),
    ('statistics', EXISTS (SELECT FROM pg_catalog.pg_statistic_ext)),
    ('others', EXISTS (SELECT FROM pg_catalog.pg_collation WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_cast WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_operator WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_opclass WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_opfamily WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_conversion WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_ts_config WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_ts_dict WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_publication)
        OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger)
        OR EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper)
        OR EXISTS (SELECT FROM pg_catalog.pg_default_acl)
        OR EXISTS (SELECT FROM pg_catalog.pg_type
                    WHERE oid >= 16384 AND typtype = 'b' AND typcategory <> 'A' AND typisdefined))
) AS kind (part, present) WHERE NOT present
