-- migration
CREATE TABLE block (block_number bigint PRIMARY KEY, block_hash varchar(66) NOT NULL, gas_used bigint NOT NULL);
-- expect: none
