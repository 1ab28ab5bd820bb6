-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  from_address varchar(42) NOT NULL, to_address varchar(42) NOT NULL, amount numeric(78,0) NOT NULL,
  PRIMARY KEY (block_number, log_index));
CREATE TABLE balance (holder_address varchar(42) PRIMARY KEY, balance numeric(78,0) NOT NULL);
CREATE TABLE payment (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL);
-- workload
SELECT balance FROM balance WHERE holder_address = $1;
SELECT sum(amount) FROM transfer WHERE block_number BETWEEN $1 AND $2;
SELECT sum(amount) FROM payment;
-- expect: none
