-- migration
CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address varchar(42) NOT NULL
  CHECK (contract_address ~ '^0x[0-9a-f]{40}$'), total_supply numeric(78,0) NOT NULL,
  UNIQUE (contract_address, chain_id));
CREATE TABLE holder (id bigint PRIMARY KEY, wallet_address varchar(42) NOT NULL
  CHECK (wallet_address ~* '^0x[0-9a-f]{40}$'));
CREATE INDEX holder_wallet_address_idx ON holder (lower(wallet_address));
-- workload
SELECT id FROM token WHERE contract_address = lower($1);
SELECT id FROM holder WHERE lower(wallet_address) = lower($1);
-- expect: none
