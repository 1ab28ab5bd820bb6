-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- migration
REINDEX TABLE transfer;
-- expect: blocks proved
