-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
CREATE VIEW holder_names AS SELECT name FROM holder;
-- migration
ALTER VIEW holder_names RENAME TO names;
-- expect: breaks-app proved
