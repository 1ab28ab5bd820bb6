CREATE SCHEMA ledger;
CREATE TYPE state AS ENUM ('open', 'it''s % frozen');
CREATE TYPE ledger.colour AS ENUM ('red');
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x[0-9a-f]{40}$');
CREATE DOMAIN ledger.amount AS numeric(78,0) NOT NULL CHECK (VALUE >= 0);
CREATE TYPE pair AS (a integer, b text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE FUNCTION ledger.initial(state) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1::text, 1)';
CREATE TABLE tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  contract_address address NOT NULL,
  chain_id integer NOT NULL CHECK (chain_id > 0),
  symbol varchar(32) COLLATE "C", name text DEFAULT 'a:b %s',
  supply ledger.amount DEFAULT 0, decimals smallint DEFAULT 18, fee double precision, ratio real, share numeric,
  state state NOT NULL DEFAULT 'open', colours ledger.colour[], matrix integer[][], tags text[] NOT NULL DEFAULT '{}',
  attrs jsonb, raw bytea, about pair, seen interval, day date, at timestamp(3), clock time, open boolean,
  initial text GENERATED ALWAYS AS (ledger.initial(state)) STORED,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tokens_once UNIQUE (chain_id, contract_address),
  CONSTRAINT "odd: name" CHECK (name <> 'x:y' AND attrs ? 'k'));
COMMENT ON TABLE tokens IS 'Every token, 100 % of "them".';
COMMENT ON COLUMN tokens.symbol IS 'It''s short: four letters.';
CREATE INDEX tokens_symbol ON tokens (symbol text_pattern_ops, chain_id DESC NULLS LAST) INCLUDE (name);
CREATE INDEX tokens_lower ON tokens (lower(name), (attrs ->> 'a,b')) WHERE state = 'open';
CREATE INDEX tokens_attrs ON tokens USING gin (attrs jsonb_path_ops) WITH (fastupdate = off);
CREATE UNIQUE INDEX tokens_name ON tokens (name) NULLS NOT DISTINCT;
COMMENT ON INDEX tokens_symbol IS 'For the search box.';
CREATE TRIGGER touched BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE ledger.holders (
  token_id uuid NOT NULL, account address NOT NULL, "group" bigint GENERATED ALWAYS AS IDENTITY (START 10),
  "class" text, "Mixed Case" integer, metadata jsonb, balance ledger.amount,
  PRIMARY KEY (token_id, account),
  FOREIGN KEY (token_id) REFERENCES tokens ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE parents (id serial PRIMARY KEY, parent integer REFERENCES parents, big bigserial);
CREATE TABLE log (block bigint NOT NULL, n integer NOT NULL, at timestamptz, PRIMARY KEY (block, n)) PARTITION BY RANGE (block);
CREATE TABLE log_0 PARTITION OF log FOR VALUES FROM (0) TO (1000);
CREATE INDEX log_at ON log USING brin (at);
CREATE TABLE bare (n integer, note text);
ALTER TABLE ledger.holders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ledger.holders FOR SELECT USING (account = current_setting('app.account', true));
CREATE VIEW open_tokens WITH (security_invoker = true) AS SELECT id, symbol FROM tokens WHERE state = 'open';
CREATE STATISTICS tokens_both ON chain_id, symbol FROM tokens;
CREATE FUNCTION held(tokens) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM ledger.holders WHERE token_id = $1.id';
