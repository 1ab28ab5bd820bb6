-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  PRIMARY KEY (block_number, log_index));
CREATE TABLE token (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), chain_id integer NOT NULL,
  contract_address varchar(42) NOT NULL CHECK (contract_address ~ '^0x[0-9a-f]{40}$'),
  UNIQUE (chain_id, contract_address));
-- expect: none
