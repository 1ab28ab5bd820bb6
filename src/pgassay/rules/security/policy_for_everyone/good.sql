-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, tenant text NOT NULL);
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
-- migration
CREATE POLICY readable ON holder FOR SELECT USING (true);
CREATE POLICY own_rows ON holder FOR UPDATE USING (tenant = (SELECT current_user));
-- expect: none
