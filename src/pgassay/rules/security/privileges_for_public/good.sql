-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
GRANT SELECT ON holder TO PUBLIC;
-- expect: none
