-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  block_time timestamptz NOT NULL, PRIMARY KEY (block_number, log_index));
CREATE INDEX transfer_block_time_brin ON transfer USING brin (block_time);
CREATE TABLE mint (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  block_time timestamptz NOT NULL, PRIMARY KEY (block_time, block_number, log_index)) PARTITION BY RANGE (block_time);
-- workload
SELECT count(*) FROM transfer WHERE block_time >= $1 AND block_time < $2;
-- expect: none
