-- setup
CREATE TABLE token (id bigint PRIMARY KEY, symbol varchar(10) NOT NULL);
-- migration
ALTER TABLE token ALTER COLUMN symbol TYPE text;
-- expect: none
