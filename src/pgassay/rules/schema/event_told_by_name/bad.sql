-- migration
CREATE TABLE log (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  event_name text NOT NULL, args jsonb NOT NULL, PRIMARY KEY (block_number, log_index));
-- expect: style computed
-- static: none
