-- migration
CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
-- workload
SELECT id, symbol FROM token WHERE id > $1 ORDER BY id LIMIT 20;
SELECT id, symbol FROM token ORDER BY id LIMIT 20 OFFSET 0;
-- expect: none
