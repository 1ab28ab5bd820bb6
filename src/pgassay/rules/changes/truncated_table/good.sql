-- setup
CREATE TABLE session (id bigint PRIMARY KEY, token text NOT NULL);
-- migration
CREATE TABLE staging (id bigint);
TRUNCATE staging;
-- expect: none
