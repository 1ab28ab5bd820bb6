-- setup
CREATE TABLE transfer (block_number bigint NOT NULL, amount numeric(78,0) NOT NULL) PARTITION BY RANGE (block_number);
CREATE TABLE transfer_old (block_number bigint NOT NULL, amount numeric(78,0) NOT NULL);
-- migration
ALTER TABLE transfer ATTACH PARTITION transfer_old FOR VALUES FROM (0) TO (1000);
-- expect: blocks proved
