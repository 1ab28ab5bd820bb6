-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, country text);
-- migration
ALTER TABLE holder ALTER COLUMN country SET NOT NULL;
-- expect: fails computed
