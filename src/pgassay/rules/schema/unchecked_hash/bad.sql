-- migration
CREATE TABLE transaction (tx_hash text PRIMARY KEY, block_hash text NOT NULL, block_number bigint NOT NULL);
-- expect: style proved
-- static: none
