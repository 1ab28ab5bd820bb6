-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
CREATE TABLE transfer (id bigint PRIMARY KEY, token_id bigint NOT NULL);
-- migration
ALTER TABLE transfer ADD CONSTRAINT transfer_token_fkey FOREIGN KEY (token_id) REFERENCES token (id);
-- expect: blocks proved
