-- setup
CREATE FUNCTION holding(address text) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
-- migration
DROP FUNCTION holding(text);
CREATE FUNCTION holding(account text) RETURNS numeric LANGUAGE sql AS 'SELECT 1::numeric';
-- expect: none
