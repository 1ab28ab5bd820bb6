-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
CREATE INDEX transfer_token_idx ON transfer (token_id);
-- migration
DROP INDEX transfer_token_idx;
-- expect: blocks proved
