-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
CREATE TABLE trade (id bigint PRIMARY KEY, status status NOT NULL);
-- migration
ALTER TABLE trade ADD COLUMN status_code integer;
-- expect: none
