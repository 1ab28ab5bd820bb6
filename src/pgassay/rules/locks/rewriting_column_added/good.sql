-- setup
CREATE TABLE holder (id bigint PRIMARY KEY, address varchar(42) NOT NULL);
-- migration
ALTER TABLE holder ADD COLUMN public_id uuid;
ALTER TABLE holder ALTER COLUMN public_id SET DEFAULT gen_random_uuid();
ALTER TABLE holder ADD COLUMN frozen boolean NOT NULL DEFAULT false;
ALTER TABLE holder ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
-- expect: none
