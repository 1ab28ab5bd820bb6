-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
DO $$ BEGIN ALTER TABLE holder ADD COLUMN full_name text; END $$;
-- expect: none
