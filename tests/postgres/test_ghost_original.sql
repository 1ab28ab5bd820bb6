-- An original whose plans a ghost must have: joins, skew, nulls, partitions, TOAST, all kinds of indexes and statistics.
CREATE EXTENSION pg_trgm;
CREATE TYPE state AS ENUM ('new', 'paid', 'sent', 'void');
CREATE DOMAIN address AS varchar(42) CHECK (VALUE ~ '^0x');
CREATE TABLE customer (
    id bigint PRIMARY KEY, email text NOT NULL, country char(2) NOT NULL, city text NOT NULL, wallet address,
    tags text[], profile jsonb, notes text, created timestamptz NOT NULL);
INSERT INTO customer
SELECT i, 'User' || i || '@example.com', (ARRAY['de', 'de', 'de', 'fr', 'us'])[1 + (i::bigint * 7919) % 5],
       'city ' || (i::bigint * 7919) % 5 || '-' || i % 3, CASE WHEN i % 4 > 0 THEN '0x' || md5((i % 9000)::text) END,
       ARRAY['t' || i % 17, 't' || i % 5], jsonb_build_object('level', i % 9, 'name', 'n' || i),
       CASE WHEN i % 50 = 0 THEN (SELECT string_agg(md5((i + j)::text), '') FROM generate_series(1, 150) j) END,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '7 minutes'
FROM generate_series(1, 40000) i;
CREATE TABLE purchase (
    id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES customer, state state NOT NULL, amount numeric(20, 2),
    a integer, b integer, valid int4range, placed timestamptz NOT NULL, token uuid NOT NULL);
INSERT INTO purchase
SELECT i, 1 + (i::bigint * i * 31) % 40000,
       (CASE WHEN i % 100 = 0 THEN 'new' WHEN i % 10 = 0 THEN 'paid' WHEN i % 33 = 0 THEN 'void' ELSE 'sent' END)::state,
       CASE WHEN i % 11 > 0 THEN (i % 5000) / 7.0 END, i % 100, (i % 100) / 10, int4range(i % 1000, i % 1000 + 1 + i % 9),
       timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute', md5(i::text)::uuid
FROM generate_series(1, 200000) i;
CREATE INDEX ON customer (lower(email));
CREATE INDEX ON customer (email text_pattern_ops);
CREATE INDEX ON customer USING gin (tags);
CREATE INDEX ON customer USING gin (profile jsonb_path_ops);
CREATE INDEX ON customer USING gin (email gin_trgm_ops);
CREATE INDEX ON customer (wallet);
CREATE INDEX ON purchase (customer, placed DESC);
CREATE INDEX ON purchase (placed) WHERE state = 'new';
CREATE INDEX ON purchase USING brin (placed);
CREATE INDEX ON purchase USING hash (token);
CREATE INDEX ON purchase USING gist (valid);
CREATE INDEX ON purchase (state, amount) INCLUDE (a);
CREATE INDEX ON purchase ((a + b));
CREATE STATISTICS dependent (ndistinct, dependencies, mcv) ON a, b FROM purchase;
CREATE STATISTICS placed_in ON country, city, lower(email) FROM customer;
CREATE TABLE event (block bigint NOT NULL, log integer NOT NULL, kind text NOT NULL, value numeric(78, 0), PRIMARY KEY (block, log))
    PARTITION BY RANGE (block);
CREATE TABLE event_0 PARTITION OF event FOR VALUES FROM (0) TO (10000);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (10000) TO (20000);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (20000) TO (30000);
CREATE INDEX ON event (kind, block);
INSERT INTO event SELECT i / 5, i % 5, 'kind' || (i::bigint * i) % 7, i * 1000000000000 FROM generate_series(0, 149999) i;
CREATE TABLE "Odd Name" (id integer PRIMARY KEY, gone integer, "Mixed Case" integer, empty integer);
ALTER TABLE "Odd Name" DROP COLUMN gone;
INSERT INTO "Odd Name" SELECT i, i % 10, NULL FROM generate_series(1, 3000) i;
CREATE INDEX "Odd Index" ON "Odd Name" ("Mixed Case");
CREATE TABLE never_analysed (id integer, x text);
CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) AS total FROM purchase GROUP BY customer;
CREATE UNIQUE INDEX ON totals (customer);
CREATE FUNCTION twice(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE VIEW german AS SELECT * FROM customer WHERE country = 'de'
