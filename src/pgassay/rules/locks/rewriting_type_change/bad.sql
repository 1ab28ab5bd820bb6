-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, log_index integer NOT NULL);
-- migration
ALTER TABLE transfer ALTER COLUMN log_index TYPE bigint;
-- expect: blocks proved
