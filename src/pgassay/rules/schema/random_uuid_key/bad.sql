-- migration
CREATE TABLE transfer (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), block_number bigint NOT NULL,
  log_index integer NOT NULL, tx_hash varchar(66) NOT NULL, UNIQUE (block_number, log_index));
-- expect: slows proved
-- static: none
