-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, tenant text NOT NULL);
GRANT SELECT ON holder TO PUBLIC;
-- migration
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
-- expect: breaks-app computed
-- static: none
