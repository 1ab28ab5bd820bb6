-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
CREATE TABLE trade (id bigint PRIMARY KEY, note text);
-- migration
DROP TYPE status;
-- expect: none
