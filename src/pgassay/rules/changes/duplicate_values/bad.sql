-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
ALTER TABLE holder ADD COLUMN onchain_id bigint DEFAULT 0 UNIQUE;
-- expect: fails proved
-- static: none
