-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  block_time timestamptz NOT NULL, PRIMARY KEY (block_number, log_index));
-- workload
SELECT count(*) FROM transfer WHERE block_time >= $1 AND block_time < $2;
-- expect: slows computed
-- static: none
