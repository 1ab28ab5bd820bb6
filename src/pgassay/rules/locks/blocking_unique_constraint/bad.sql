-- setup
CREATE TABLE token (id bigint PRIMARY KEY, address varchar(42) NOT NULL);
-- migration
ALTER TABLE token ADD CONSTRAINT token_address_key UNIQUE (address);
-- expect: blocks proved
