-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, tenant text NOT NULL);
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
-- migration
CREATE POLICY anything ON holder FOR ALL USING (true);
-- expect: exposes computed
