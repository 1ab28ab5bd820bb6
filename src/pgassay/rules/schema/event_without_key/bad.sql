-- migration
CREATE TABLE transfer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, block_number bigint NOT NULL,
  log_index integer NOT NULL, tx_hash varchar(66) NOT NULL, amount numeric(78,0) NOT NULL);
-- expect: slows proved
-- static: none
