-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, amount numeric(30,2) NOT NULL);
-- migration
ALTER TABLE transfer ALTER COLUMN amount TYPE numeric;
-- expect: none
