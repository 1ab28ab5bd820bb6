-- setup
CREATE SCHEMA registry;
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
ALTER TABLE holder SET SCHEMA registry;
-- expect: breaks-app proved
