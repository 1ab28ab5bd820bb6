-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, address varchar(42) NOT NULL);
-- migration
ALTER TABLE holder ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid();
-- expect: blocks proved
