-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
GRANT SELECT, INSERT, UPDATE ON holder TO PUBLIC;
-- expect: exposes computed
