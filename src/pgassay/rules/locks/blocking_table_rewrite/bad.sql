-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- migration
ALTER TABLE transfer SET UNLOGGED;
-- expect: blocks proved
