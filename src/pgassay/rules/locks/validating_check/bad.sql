-- setup
CREATE TABLE balance (id bigint PRIMARY KEY, amount numeric(78,0) NOT NULL);
-- migration
ALTER TABLE balance ADD CONSTRAINT amount_not_negative CHECK (amount >= 0);
-- expect: blocks proved
