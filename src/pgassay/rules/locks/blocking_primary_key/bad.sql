-- setup
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL);
-- migration
ALTER TABLE transfer ADD PRIMARY KEY (block_number, log_index);
-- expect: blocks proved
