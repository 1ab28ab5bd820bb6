-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL, email text);
-- migration
ALTER TABLE holder DROP COLUMN email;
-- expect: loses-data proved
