-- migration
CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address varchar(42) NOT NULL
  CHECK (contract_address ~ '^0x[0-9a-fA-F]{40}$'), total_supply numeric(78,0) NOT NULL,
  UNIQUE (chain_id, contract_address));
-- expect: slows proved
-- static: none
