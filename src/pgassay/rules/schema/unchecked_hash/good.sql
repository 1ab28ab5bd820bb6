-- migration
CREATE TABLE transaction (tx_hash varchar(66) PRIMARY KEY, block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
  block_number bigint NOT NULL);
CREATE TABLE login (id bigint PRIMARY KEY, password_hash text NOT NULL);
-- expect: none
