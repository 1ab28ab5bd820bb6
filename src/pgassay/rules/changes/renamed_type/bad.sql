-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
CREATE TABLE trade (id bigint PRIMARY KEY, status status NOT NULL);
-- migration
ALTER TYPE status RENAME TO trade_status;
-- expect: breaks-app computed
-- static: none
