-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, country text, CONSTRAINT country_known CHECK (country IS NOT NULL));
-- migration
UPDATE holder SET country = 'XX' WHERE country IS NULL;
ALTER TABLE holder ALTER COLUMN country SET NOT NULL;
ALTER TABLE holder DROP CONSTRAINT country_known;
-- expect: none
