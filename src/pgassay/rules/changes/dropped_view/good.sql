-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
CREATE VIEW holder_names AS SELECT name FROM holder;
-- migration
DROP VIEW holder_names;
CREATE VIEW holder_names AS SELECT id, name FROM holder;
-- expect: none
