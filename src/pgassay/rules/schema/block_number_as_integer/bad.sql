-- migration
CREATE TABLE block (block_number integer PRIMARY KEY, block_hash varchar(66) NOT NULL, gas_used bigint NOT NULL);
-- expect: style proved
-- static: none
