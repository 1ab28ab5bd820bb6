-- setup
CREATE TABLE balance (id bigint PRIMARY KEY, amount numeric(78,0) NOT NULL);
-- mode: autocommit
-- migration
ALTER TABLE balance ADD CONSTRAINT amount_not_negative CHECK (amount >= 0) NOT VALID;
-- migration
ALTER TABLE balance VALIDATE CONSTRAINT amount_not_negative;
-- expect: none
