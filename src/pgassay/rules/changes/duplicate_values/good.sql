-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- mode: autocommit
-- migration
ALTER TABLE holder ADD COLUMN onchain_id bigint;
CREATE UNIQUE INDEX CONCURRENTLY holder_onchain_id_key ON holder (onchain_id);
-- expect: none
