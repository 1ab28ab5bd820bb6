-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
CREATE TABLE staging (id bigint);
DROP TABLE staging;
-- pgassay: allow dropped-table, renamed to holder_dropped by the migration of May and missed by nobody
DROP TABLE holder;
-- expect: none
