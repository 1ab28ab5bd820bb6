-- setup
CREATE TABLE balance (id bigint PRIMARY KEY, amount numeric(78,0) NOT NULL);
-- migration
LOCK TABLE balance IN EXCLUSIVE MODE;
ALTER TABLE balance ADD COLUMN frozen numeric(78,0);
-- expect: blocks proved
