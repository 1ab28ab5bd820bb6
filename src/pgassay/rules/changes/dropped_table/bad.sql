-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
DROP TABLE holder;
-- expect: loses-data proved
