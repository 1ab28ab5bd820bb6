-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
-- mode: autocommit
-- migration
BEGIN;
ALTER TABLE token ADD COLUMN symbol varchar(10);
COMMIT;
-- expect: none
