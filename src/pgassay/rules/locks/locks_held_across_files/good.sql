-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
CREATE TABLE holder (id bigint PRIMARY KEY, address varchar(42) NOT NULL, frozen boolean);
ALTER TABLE holder ADD CONSTRAINT holder_address_check CHECK (length(address) = 42) NOT VALID;
-- migration
ALTER TABLE token ADD COLUMN symbol varchar(10);
-- migration
ALTER TABLE holder VALIDATE CONSTRAINT holder_address_check;
-- expect: none
