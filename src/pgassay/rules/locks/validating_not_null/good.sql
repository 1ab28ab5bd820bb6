-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, country text DEFAULT 'CH');
-- mode: autocommit
-- migration
UPDATE holder SET country = 'CH' WHERE country IS NULL;
ALTER TABLE holder ADD CONSTRAINT country_present CHECK (country IS NOT NULL) NOT VALID;
ALTER TABLE holder VALIDATE CONSTRAINT country_present;
ALTER TABLE holder ALTER COLUMN country SET NOT NULL;
ALTER TABLE holder DROP CONSTRAINT country_present;
-- expect: none
