-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- mode: autocommit
-- migration
REINDEX TABLE CONCURRENTLY transfer;
-- expect: none
