-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
CREATE TABLE country (code text);
UPDATE country SET code = upper(code);
UPDATE holder SET name = upper(name) WHERE id BETWEEN 1 AND 10;
-- expect: none
