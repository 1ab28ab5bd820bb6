-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, country text DEFAULT 'CH');
-- mode: autocommit
-- migration
UPDATE holder SET country = 'CH' WHERE country IS NULL;
ALTER TABLE holder ALTER COLUMN country SET NOT NULL;
-- expect: blocks proved
