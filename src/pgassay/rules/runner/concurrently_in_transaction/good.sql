-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- mode: query
-- migration
CREATE INDEX CONCURRENTLY transfer_token_idx ON transfer (token_id);
-- expect: none
