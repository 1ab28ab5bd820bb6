-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, amount numeric(30,18) NOT NULL);
-- migration
ALTER TABLE transfer ALTER COLUMN amount TYPE numeric(30,2);
-- expect: loses-data computed
-- static: none
