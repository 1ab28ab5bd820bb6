-- setup
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
-- migration
ALTER TABLE token ADD COLUMN decimals integer NOT NULL DEFAULT 0 CHECK (decimals > 0);
-- expect: fails proved
-- static: none
