-- setup
CREATE TABLE balance (id bigint PRIMARY KEY, amount numeric(78,0) NOT NULL);
-- migration
LOCK TABLE balance IN SHARE UPDATE EXCLUSIVE MODE;
ALTER TABLE balance ADD COLUMN frozen numeric(78,0);
-- expect: none
