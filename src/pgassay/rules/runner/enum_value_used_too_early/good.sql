-- setup
CREATE TYPE status AS ENUM ('active', 'frozen');
CREATE TABLE holder (id bigint PRIMARY KEY, status status NOT NULL DEFAULT 'active');
-- migration
ALTER TYPE status ADD VALUE 'closed';
-- migration
ALTER TABLE holder ALTER COLUMN status SET DEFAULT 'closed';
-- expect: none
