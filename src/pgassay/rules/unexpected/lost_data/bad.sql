-- setup
CREATE SCHEMA registry;
CREATE TABLE registry.holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
DROP SCHEMA registry CASCADE;
-- expect: loses-data proved
-- static: none
