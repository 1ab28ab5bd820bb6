-- setup
CREATE SCHEMA registry;
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
DROP SCHEMA registry;
-- expect: none
