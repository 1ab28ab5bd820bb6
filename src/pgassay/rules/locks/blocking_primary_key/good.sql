-- setup
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL);
-- mode: autocommit
-- migration
CREATE UNIQUE INDEX CONCURRENTLY transfer_pkey ON transfer (block_number, log_index);
ALTER TABLE transfer ADD CONSTRAINT transfer_pkey PRIMARY KEY USING INDEX transfer_pkey;
-- expect: none
