-- setup
-- 0001_token.sql as it was deployed, and as it still is:
CREATE TABLE token (id bigint PRIMARY KEY);
-- migration 0002_token_symbol
ALTER TABLE token ADD COLUMN symbol varchar(10);
-- expect: none
