-- setup
CREATE TABLE token (id bigint PRIMARY KEY);
-- migration
BEGIN;
ALTER TABLE token ADD COLUMN symbol varchar(10);
COMMIT;
-- expect: slows proved
