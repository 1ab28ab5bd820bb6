-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
ALTER TABLE holder RENAME COLUMN name TO full_name;
-- expect: breaks-app proved
