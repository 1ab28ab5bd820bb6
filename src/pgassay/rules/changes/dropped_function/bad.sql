-- setup
CREATE FUNCTION holding(address text) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
-- migration
DROP FUNCTION holding(text);
-- expect: breaks-app computed
-- static: none
