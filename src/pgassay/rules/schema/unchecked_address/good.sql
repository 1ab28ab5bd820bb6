-- migration
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x[0-9a-f]{40}$');
CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address address NOT NULL,
  total_supply numeric(78,0) NOT NULL);
CREATE TABLE company (id bigint PRIMARY KEY, name text NOT NULL, address text NOT NULL, city text NOT NULL);
-- expect: none
