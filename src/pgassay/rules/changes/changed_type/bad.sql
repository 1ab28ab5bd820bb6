-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
CREATE TABLE trade (id bigint PRIMARY KEY, status status NOT NULL);
-- migration
ALTER TABLE trade ALTER COLUMN status TYPE integer USING CASE status WHEN 'open' THEN 1 ELSE 2 END;
-- expect: breaks-app proved
-- static: none
