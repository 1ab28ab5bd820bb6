-- setup
CREATE TABLE transfer (block_number bigint NOT NULL, amount numeric(78,0) NOT NULL) PARTITION BY RANGE (block_number);
CREATE TABLE transfer_old (block_number bigint NOT NULL, amount numeric(78,0) NOT NULL);
-- mode: autocommit
-- migration
ALTER TABLE transfer_old ADD CONSTRAINT bounds CHECK (block_number >= 0 AND block_number < 1000) NOT VALID;
ALTER TABLE transfer_old VALIDATE CONSTRAINT bounds;
ALTER TABLE transfer ATTACH PARTITION transfer_old FOR VALUES FROM (0) TO (1000);
-- expect: none
