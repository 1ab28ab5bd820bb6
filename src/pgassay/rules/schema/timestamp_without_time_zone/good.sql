-- migration
CREATE TABLE block (block_number bigint PRIMARY KEY, block_hash varchar(66) NOT NULL, gas_used bigint NOT NULL,
  block_time timestamptz NOT NULL);
CREATE TABLE meeting (id bigint PRIMARY KEY, starts_at timestamp NOT NULL);
-- expect: none
