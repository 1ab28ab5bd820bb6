-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- migration
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'transfer_token_idx') THEN
    CREATE INDEX transfer_token_idx ON transfer (token_id);
  END IF;
END $$;
-- expect: blocks proved
-- static: none
