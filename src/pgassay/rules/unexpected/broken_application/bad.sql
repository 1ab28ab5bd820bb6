-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);
-- migration
DO $$ BEGIN ALTER TABLE holder RENAME COLUMN name TO full_name; END $$;
-- expect: breaks-app proved
-- static: none
