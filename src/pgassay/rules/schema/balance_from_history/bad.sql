-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  from_address varchar(42) NOT NULL, to_address varchar(42) NOT NULL, amount numeric(78,0) NOT NULL,
  PRIMARY KEY (block_number, log_index));
-- workload
SELECT sum(CASE WHEN to_address = $1 THEN amount ELSE -amount END) FROM transfer
WHERE from_address = $1 OR to_address = $1;
-- expect: slows computed
-- static: none
