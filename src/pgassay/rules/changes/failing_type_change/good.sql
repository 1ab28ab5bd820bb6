-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, memo text NOT NULL);
-- migration
ALTER TABLE transfer ADD COLUMN memo_code integer;
-- expect: none
