-- setup
CREATE TABLE session (id bigint PRIMARY KEY, token text NOT NULL);
-- migration
CREATE TABLE staging (id bigint);
DELETE FROM staging;
DELETE FROM session WHERE id = -1;
-- expect: none
