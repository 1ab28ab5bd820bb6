-- setup
CREATE TABLE token (id bigint PRIMARY KEY, decimals integer NOT NULL DEFAULT 18);
-- migration
ALTER TABLE token ALTER COLUMN decimals DROP DEFAULT;
-- expect: breaks-app proved
-- static: none
