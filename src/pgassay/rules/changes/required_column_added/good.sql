-- setup
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
-- migration
ALTER TABLE token ADD COLUMN decimals integer NOT NULL DEFAULT 18;
ALTER TABLE token ADD COLUMN note text;
-- expect: none
