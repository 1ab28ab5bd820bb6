-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration
ALTER TABLE token ADD COLUMN note text;
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint REFERENCES token (id));
ALTER TABLE transfer ADD COLUMN note text;
-- migration
ALTER TABLE holder ADD COLUMN note text;
-- expect: none
