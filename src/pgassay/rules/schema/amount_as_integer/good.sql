-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  amount numeric(78,0) NOT NULL, gas_price bigint, PRIMARY KEY (block_number, log_index));
CREATE TABLE nft_collection (contract_address varchar(42) PRIMARY KEY, total_supply integer NOT NULL);
-- expect: none
