-- A register of tokens on chain, as an application has it before anybody thought of indexes: primary keys alone.
-- {events}, {accounts}, {tokens} and {balances} are numbers; activity is skewed: few tokens and accounts have most of it.

-- name: schema
CREATE DOMAIN address AS varchar(42) CHECK (value ~ '^0x[0-9a-f]{40}$');
CREATE TABLE token (
    address address PRIMARY KEY, name text NOT NULL, symbol text NOT NULL, decimals smallint NOT NULL,
    issuer address NOT NULL, created timestamptz NOT NULL);
CREATE TABLE balance (
    token address NOT NULL, account address NOT NULL, value numeric(78,0) NOT NULL, block bigint NOT NULL,
    PRIMARY KEY (token, account));
CREATE TABLE transfer (
    block bigint NOT NULL, log integer NOT NULL, at timestamptz NOT NULL, emitter address NOT NULL,
    sender address NOT NULL, recipient address NOT NULL, value numeric(78,0) NOT NULL, PRIMARY KEY (block, log))

-- name: rows
CREATE TEMPORARY TABLE account AS
SELECT n, '0x' || md5('a' || n) || substr(md5('b' || n), 1, 8) AS address FROM generate_series(0, {accounts}) n;
CREATE TEMPORARY TABLE coin AS
SELECT n, '0x' || md5('t' || n) || substr(md5('u' || n), 1, 8) AS address FROM generate_series(0, {tokens}) n;
CREATE INDEX ON account (n); ANALYZE account;
INSERT INTO token
SELECT address, (ARRAY['Gold', 'Silver', 'Harbour', 'Estate', 'Solar', 'Carbon', 'Wine', 'Art'])[1 + n % 8] || ' '
       || (ARRAY['Fund', 'Bond', 'Note', 'Share', 'Unit', 'Trust', 'Credit'])[1 + n % 7] || ' ' || n,
       upper(translate(substr(md5('s' || n), 1, 4), '0123456789', 'ghijklmnop')), 18,
       '0x' || md5('i' || n % 97) || substr(md5('j' || n % 97), 1, 8), timestamptz '2022-01-01' + n * interval '9 hours'
FROM coin;
-- random() ^ 3 makes the skew; the seed makes it the same each time.
SELECT setseed(0.42);
INSERT INTO transfer
SELECT 15000000 + i / 40, i % 40, timestamptz '2023-01-01' + i * (interval '730 days' / {events}), c.address, s.address,
       r.address, trunc(1e18 * exp(12 * m))
FROM (SELECT i, floor({tokens} * random() ^ 3)::integer AS t, floor({accounts} * random() ^ 3)::integer AS a,
             floor({accounts} * random() ^ 2)::integer AS b, random() AS m
      FROM generate_series(1, {events}) i OFFSET 0) x
JOIN coin c ON c.n = t JOIN account s ON s.n = a JOIN account r ON r.n = b
ORDER BY i;
INSERT INTO balance
SELECT c.address, r.address, CASE WHEN x.n % 5 = 0 THEN 0 ELSE trunc(1e18 * exp(12 * m)) END, 15000000 + x.n / 40
FROM (SELECT n, floor({tokens} * random() ^ 3)::integer AS t, floor({accounts} * random() ^ 2)::integer AS b,
             random() AS m FROM generate_series(1, {balances}) n OFFSET 0) x
JOIN coin c ON c.n = t JOIN account r ON r.n = b
ON CONFLICT DO NOTHING;
DROP TABLE account; DROP TABLE coin

-- name: candidates
CREATE INDEX ON balance (token, value DESC) WHERE value > 0;
CREATE INDEX ON balance (account, token) INCLUDE (value);
CREATE INDEX ON transfer (emitter, block DESC, log DESC);
CREATE INDEX ON transfer (sender, block DESC, log DESC);
CREATE INDEX ON transfer (recipient, block DESC, log DESC);
CREATE INDEX ON transfer (emitter, at) INCLUDE (value);
CREATE INDEX ON transfer USING brin (at);
CREATE INDEX ON token (upper(symbol));
CREATE INDEX ON token (address varchar_pattern_ops);
CREATE INDEX ON token USING gin (name gin_trgm_ops)

-- name: workload
-- Holders of a token by value
-- calls: 4000
SELECT account, value FROM balance WHERE token = $1 AND value > 0 ORDER BY value DESC LIMIT 50;
-- Balance by token and account
-- calls: 20000
SELECT value FROM balance WHERE token = $1 AND account = $2;
-- A wallet's portfolio
-- calls: 6000
SELECT b.token, t.name, t.symbol, b.value FROM balance b JOIN token t ON t.address = b.token
WHERE b.account = $1 AND b.value > 0 ORDER BY b.value DESC;
-- Event feed by emitter
-- calls: 3000
SELECT block, log, at, sender, recipient, value FROM transfer WHERE emitter = $1 ORDER BY block DESC, log DESC LIMIT 50;
-- Feed by involved account, newest first
-- calls: 3000
SELECT block, log, at, emitter, sender, recipient, value FROM transfer WHERE sender = $1 OR recipient = $1
ORDER BY block DESC, log DESC LIMIT 50;
-- Search by name
-- calls: 800
SELECT address, name, symbol FROM token WHERE name ILIKE '%wine bond%' LIMIT 20;
-- Search by symbol
-- calls: 900
SELECT address, name, symbol FROM token WHERE upper(symbol) = $1;
-- Search by the beginning of an address
-- calls: 500
SELECT address, name, symbol FROM token WHERE address LIKE '0xab%' LIMIT 20;
-- Daily series of a token
-- calls: 700
SELECT date_trunc('day', at) AS day, count(*), sum(value) FROM transfer
WHERE emitter = $1 AND at >= '2024-03-01' AND at < '2024-04-01' GROUP BY 1 ORDER BY 1;
-- Events of the last days, all tokens
-- calls: 100
SELECT emitter, count(*) FROM transfer WHERE at >= '2024-12-24' GROUP BY emitter ORDER BY count(*) DESC LIMIT 20;
-- New events
-- calls: 50000
INSERT INTO transfer (block, log, at, emitter, sender, recipient, value) VALUES ($1, $2, $3, $4, $5, $6, $7);
-- New balances
-- calls: 50000
UPDATE balance SET value = $3, block = $4 WHERE token = $1 AND account = $2
