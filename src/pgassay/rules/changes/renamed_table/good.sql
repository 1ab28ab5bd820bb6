-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
ALTER TABLE holder RENAME TO investor;
CREATE VIEW holder AS SELECT * FROM investor;
-- expect: none
