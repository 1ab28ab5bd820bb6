-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  amount numeric(78,0) NOT NULL, PRIMARY KEY (block_number, log_index));
CREATE TABLE approval (id text PRIMARY KEY, block_number bigint NOT NULL, log_index integer NOT NULL,
  tx_hash varchar(66) NOT NULL);
-- expect: none
