-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
CREATE INDEX transfer_token_idx ON transfer (token_id);
-- mode: autocommit
-- migration
DROP INDEX CONCURRENTLY transfer_token_idx;
-- expect: none
