-- setup
CREATE TABLE transfer (block_number bigint NOT NULL, amount numeric(78,0) NOT NULL) PARTITION BY RANGE (block_number);
CREATE TABLE transfer_1 PARTITION OF transfer FOR VALUES FROM (0) TO (1000);
CREATE TABLE transfer_2 PARTITION OF transfer FOR VALUES FROM (1000) TO (2000);
-- migration
ALTER TABLE transfer DETACH PARTITION transfer_1;
-- expect: blocks proved
