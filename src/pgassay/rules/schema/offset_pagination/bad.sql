-- migration
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
-- workload
SELECT id, symbol FROM token ORDER BY id LIMIT 20 OFFSET $1;
-- expect: slows computed
-- static: none
