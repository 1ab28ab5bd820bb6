-- migration
CREATE TABLE approval (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  allowance numeric(78,0) NOT NULL, PRIMARY KEY (block_number, log_index));
CREATE TABLE invoice (id bigint PRIMARY KEY, tx_hash varchar(66), amount numeric(12,2) NOT NULL);
-- expect: none
