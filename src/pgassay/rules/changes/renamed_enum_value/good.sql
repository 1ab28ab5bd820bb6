-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
CREATE TABLE trade (id bigint PRIMARY KEY, status status NOT NULL);
-- migration
ALTER TYPE status ADD VALUE 'settled' AFTER 'closed';
-- expect: none
