-- migration
CREATE TABLE approval (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  allowance numeric(38,0) NOT NULL, PRIMARY KEY (block_number, log_index));
-- expect: loses-data proved
-- static: none
