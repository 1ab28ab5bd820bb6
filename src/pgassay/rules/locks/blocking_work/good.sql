-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- migration
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_tables WHERE tablename = 'holder') THEN
    CREATE TABLE holder (id bigint PRIMARY KEY, address varchar(42) NOT NULL);
    CREATE INDEX holder_address_idx ON holder (address);
  END IF;
END $$;
-- expect: none
