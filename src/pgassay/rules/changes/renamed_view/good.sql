-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
CREATE VIEW holder_names AS SELECT name FROM holder;
-- migration
CREATE VIEW names AS SELECT * FROM holder_names;
-- expect: none
