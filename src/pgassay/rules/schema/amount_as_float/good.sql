-- migration
CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address varchar(42) NOT NULL
  CHECK (contract_address ~ '^0x[0-9a-f]{40}$'), total_supply numeric(78,0) NOT NULL, price_usd double precision,
  UNIQUE (chain_id, contract_address));
CREATE TABLE recipe (id bigint PRIMARY KEY, ingredient text NOT NULL, amount double precision NOT NULL);
-- expect: none
