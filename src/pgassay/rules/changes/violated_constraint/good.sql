-- setup
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
-- migration
ALTER TABLE token ADD COLUMN decimals integer NOT NULL DEFAULT 18;
ALTER TABLE token ADD CONSTRAINT decimals_known CHECK (decimals > 0) NOT VALID;
-- expect: none
