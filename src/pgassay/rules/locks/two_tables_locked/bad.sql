-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration
ALTER TABLE token ADD COLUMN note text;
ALTER TABLE holder ADD COLUMN note text;
-- expect: slows proved
