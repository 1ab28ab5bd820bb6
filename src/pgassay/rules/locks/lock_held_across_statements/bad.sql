-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
CREATE TABLE holder (id bigint PRIMARY KEY, address varchar(42) NOT NULL, frozen boolean NOT NULL);
-- migration
ALTER TABLE token ADD COLUMN symbol varchar(10);
UPDATE holder SET frozen = false;
-- expect: blocks proved
