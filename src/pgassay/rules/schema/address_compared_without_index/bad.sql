-- migration
CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address varchar(42) NOT NULL
  CHECK (contract_address ~ '^0x[0-9a-f]{40}$'), total_supply numeric(78,0) NOT NULL,
  UNIQUE (contract_address, chain_id));
-- workload
SELECT id FROM token WHERE lower(contract_address) = lower($1);
-- expect: slows proved
-- static: none
