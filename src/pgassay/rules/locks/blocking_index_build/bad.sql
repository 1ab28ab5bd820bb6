-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- migration
CREATE INDEX transfer_token_idx ON transfer (token_id);
-- expect: blocks proved
