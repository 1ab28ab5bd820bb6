-- setup
CREATE TABLE token (id bigint PRIMARY KEY, note varchar(50) NOT NULL);
-- migration
ALTER TABLE token ALTER COLUMN note TYPE text;
-- expect: none
