-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, tenant text NOT NULL);
GRANT SELECT ON holder TO PUBLIC;
-- migration
CREATE POLICY own_rows ON holder FOR SELECT USING (tenant = (SELECT current_user));
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
-- expect: none
