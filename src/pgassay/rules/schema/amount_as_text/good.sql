-- migration
CREATE TABLE transfer (block_number bigint NOT NULL, log_index integer NOT NULL, tx_hash varchar(66) NOT NULL,
  amount numeric(78,0) NOT NULL DEFAULT 0, amount_formatted text, PRIMARY KEY (block_number, log_index));
CREATE TABLE dose (id bigint PRIMARY KEY, medicine text NOT NULL, amount text NOT NULL);
-- expect: none
