-- setup
CREATE TABLE balance (id bigint PRIMARY KEY, holder bigint NOT NULL, amount numeric(78,0) NOT NULL);
CREATE MATERIALIZED VIEW holding AS SELECT holder, sum(amount) AS amount FROM balance GROUP BY holder;
CREATE UNIQUE INDEX holding_key ON holding (holder);
-- migration
REFRESH MATERIALIZED VIEW CONCURRENTLY holding;
-- expect: none
