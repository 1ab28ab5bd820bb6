-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
UPDATE holder SET name = upper(name);
-- expect: blocks proved
