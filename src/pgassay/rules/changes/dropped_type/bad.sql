-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
CREATE TABLE trade (id bigint PRIMARY KEY, status status);
-- migration
DROP TYPE status CASCADE;
-- expect: loses-data proved
