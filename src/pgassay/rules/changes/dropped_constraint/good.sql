-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, email text NOT NULL CONSTRAINT holder_email_key UNIQUE, age int CHECK (age > 0));
CREATE UNIQUE INDEX holder_email_unique ON holder (email);
-- migration
ALTER TABLE holder DROP CONSTRAINT holder_email_key;
ALTER TABLE holder DROP CONSTRAINT holder_age_check;
-- expect: none
