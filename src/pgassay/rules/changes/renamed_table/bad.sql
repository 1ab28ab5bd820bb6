-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
ALTER TABLE holder RENAME TO investor;
-- expect: breaks-app proved
