-- migration
CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address varchar(42) NOT NULL,
  total_supply numeric(78,0) NOT NULL);
-- expect: style proved
-- static: none
