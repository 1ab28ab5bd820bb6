-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, tenant text NOT NULL);
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON holder USING (tenant = current_user);
-- migration
ALTER TABLE holder DISABLE ROW LEVEL SECURITY;
UPDATE holder SET tenant = lower(tenant) WHERE id = 1;
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
-- expect: none
