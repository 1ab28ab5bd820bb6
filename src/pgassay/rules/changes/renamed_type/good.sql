-- setup
CREATE TYPE status AS ENUM ('open', 'closed');
-- migration
CREATE TYPE trade_status AS ENUM ('open', 'closed');
-- expect: none
