-- setup
CREATE TABLE token (id bigint PRIMARY KEY, chain text NOT NULL);
-- migration
ALTER TABLE token ALTER COLUMN chain TYPE integer;
-- expect: fails proved
-- static: none
