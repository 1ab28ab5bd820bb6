-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  amount text NOT NULL DEFAULT '0', PRIMARY KEY (block_number, log_index));
-- expect: slows proved
-- static: none
