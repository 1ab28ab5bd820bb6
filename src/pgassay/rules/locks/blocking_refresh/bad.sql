-- setup
CREATE TABLE balance (id bigint PRIMARY KEY, holder bigint NOT NULL, amount numeric(78,0) NOT NULL);
CREATE MATERIALIZED VIEW holding AS SELECT holder, sum(amount) AS amount FROM balance GROUP BY holder;
-- migration
REFRESH MATERIALIZED VIEW holding;
-- expect: blocks proved
