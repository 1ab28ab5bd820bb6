-- setup
CREATE TABLE token (id bigint PRIMARY KEY, decimals integer NOT NULL DEFAULT 18, note text DEFAULT '');
-- migration
ALTER TABLE token ALTER COLUMN decimals SET DEFAULT 6;
ALTER TABLE token ALTER COLUMN note DROP DEFAULT;
-- expect: none
