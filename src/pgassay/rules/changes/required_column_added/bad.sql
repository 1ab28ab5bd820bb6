-- setup
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
-- migration
ALTER TABLE token ADD COLUMN decimals integer NOT NULL;
-- expect: fails proved
