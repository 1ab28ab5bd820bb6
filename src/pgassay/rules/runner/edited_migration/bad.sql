-- setup
-- 0001_token.sql as it was deployed:
CREATE TABLE token (id bigint PRIMARY KEY);
-- migration 0001_token
-- The same file now. Nobody runs it again, and the application reads a column that production does not have:
-- CREATE TABLE token (id bigint PRIMARY KEY, symbol varchar(10));
SELECT 1;
-- expect: breaks-app computed
-- static: none
