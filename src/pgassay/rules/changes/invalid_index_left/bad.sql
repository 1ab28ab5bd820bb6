-- mode: autocommit
-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, email text NOT NULL);
INSERT INTO holder VALUES (1, 'a@example.org'), (2, 'a@example.org');
CREATE UNIQUE INDEX CONCURRENTLY holder_email_key ON holder (email);
-- migration
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS holder_email_key ON holder (email);
-- expect: slows computed
-- static: none
