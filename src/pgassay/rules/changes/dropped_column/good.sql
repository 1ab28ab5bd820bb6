-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL, email text);
-- migration
-- pgassay: allow dropped-column, no version since 2.3 names it and the values were copied to the archive
ALTER TABLE holder DROP COLUMN email;
-- expect: none
