-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, email text NOT NULL CONSTRAINT holder_email_key UNIQUE);
-- migration
ALTER TABLE holder DROP CONSTRAINT holder_email_key;
-- expect: style computed
-- static: none
