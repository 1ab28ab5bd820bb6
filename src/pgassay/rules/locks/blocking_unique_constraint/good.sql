-- setup
CREATE TABLE token (id bigint PRIMARY KEY, address varchar(42) NOT NULL);
-- mode: autocommit
-- migration
CREATE UNIQUE INDEX CONCURRENTLY token_address_key ON token (address);
ALTER TABLE token ADD CONSTRAINT token_address_key UNIQUE USING INDEX token_address_key;
-- expect: none
