-- name: schema
CREATE TABLE tokens (id integer PRIMARY KEY, address varchar(42) NOT NULL, symbol text NOT NULL, name text NOT NULL,
  standard smallint NOT NULL);
CREATE TABLE holders (token_id integer NOT NULL, account varchar(42) NOT NULL, balance numeric(78,0) NOT NULL,
  updated_block bigint NOT NULL, PRIMARY KEY (token_id, account));
CREATE TABLE transfers (block_number bigint NOT NULL, log_index integer NOT NULL, token_id integer NOT NULL,
  sender varchar(42) NOT NULL, recipient varchar(42) NOT NULL, value numeric(78,0) NOT NULL, block_time timestamptz NOT NULL,
  tx_hash bytea NOT NULL, confirmed boolean, PRIMARY KEY (block_number, log_index));
CREATE TABLE events (id bigint NOT NULL, emitter varchar(42) NOT NULL, topic bytea NOT NULL, at timestamptz NOT NULL,
  args jsonb NOT NULL, processed_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE events_2024h1 PARTITION OF events FOR VALUES FROM ('2024-01-01Z') TO ('2024-07-01Z');
CREATE TABLE events_2024h2 PARTITION OF events FOR VALUES FROM ('2024-07-01Z') TO ('2025-01-01Z');
ALTER TABLE events ADD PRIMARY KEY (at, id);
INSERT INTO tokens SELECT i, '0x' || substr(md5('t' || i), 1, 32) || '00000000', 'TK' || i, 'Token ' || md5(i::text),
  (ARRAY[20,721,1155])[1 + i % 3] FROM generate_series(1, 3000) i;
INSERT INTO holders SELECT 1 + (i * i) % 300, '0x' || md5('a' || i % 30000) || substr(md5('b' || i % 30000), 1, 8),
  (i * 7919) % 1000003 * 1000000000, i FROM generate_series(1::bigint, 120000) i ON CONFLICT DO NOTHING;
INSERT INTO transfers SELECT i / 3, i % 3, 1 + (i * i) % 300,
  '0x' || md5('a' || (i * 31) % 30000) || substr(md5('b' || (i * 31) % 30000), 1, 8),
  '0x' || md5('a' || (i * 57) % 30000) || substr(md5('b' || (i * 57) % 30000), 1, 8), i * 1000000,
  timestamptz '2024-01-01Z' + i / 3 * interval '200 s', decode(md5(i::text) || md5((i + 1)::text), 'hex'),
  CASE WHEN i % 10 = 0 AND i < 199000 OR i < 198000 THEN true END FROM generate_series(1::bigint, 200000) i;
INSERT INTO events SELECT i, '0x' || md5('e' || i % 400) || '00000000', decode(md5('topic' || i % 6), 'hex'),
  timestamptz '2024-01-01Z' + i * interval '2 min 30 s',
  jsonb_build_object('from', '0x' || md5('a' || i % 9000), 'to', '0x' || md5('a' || (i * 3) % 9000), 'amount', i),
  CASE WHEN i % 500 <> 0 THEN timestamptz '2025-01-01Z' END FROM generate_series(1, 200000) i;
CREATE VIEW unprocessed AS SELECT id, emitter, at, args FROM events WHERE processed_at IS NULL;
CREATE VIEW holdings AS SELECT h.account, h.token_id, t.symbol, h.balance FROM holders h JOIN tokens t ON t.id = h.token_id;
-- name: workload
-- calls: 2000
-- parameters: [2, 50]
SELECT account, balance FROM holders WHERE token_id = $1 ORDER BY balance DESC LIMIT $2;
-- calls: 3000
-- parameters: ["0x03ee29553fec64364309b952e41691505ae09ec2"]
SELECT token_id, symbol, balance FROM holdings WHERE account = $1 AND balance > 0;
-- calls: 2500
-- parameters: ["0x6145b19178ff6034187c316a1f5eccac70b6c85f"]
SELECT block_number, log_index, value FROM transfers WHERE sender = $1 OR recipient = $1
  ORDER BY block_number DESC, log_index DESC LIMIT 25;
-- calls: 1000
-- parameters: [26, 20]
SELECT block_number, log_index, sender, recipient, value FROM transfers WHERE token_id = $1
  ORDER BY block_number DESC, log_index DESC LIMIT $2;
-- calls: 600
-- parameters: ["\\xb52340b4de4566b804c9880aa0b4af5fbd294168a234d75851d6f26f02723ab1"]
SELECT * FROM transfers WHERE tx_hash = $1;
-- calls: 150
-- parameters: ["2024-02-01 00:00Z", "2024-02-03 00:00Z"]
SELECT token_id, count(*), sum(value) FROM transfers WHERE block_time BETWEEN $1 AND $2 GROUP BY token_id;
-- calls: 100
-- parameters: [2]
SELECT block_time::date AS day, sum(value) FROM transfers WHERE token_id = $1 GROUP BY 1 ORDER BY 1;
-- calls: 900
SELECT block_number, log_index FROM transfers WHERE confirmed IS NULL ORDER BY block_number LIMIT 100;
-- calls: 500
SELECT id, emitter, args FROM unprocessed ORDER BY at LIMIT 100;
-- calls: 800
-- parameters: ["0xf056ba9633b803f136990d0fe4d7bee200000000"]
SELECT id, topic, args FROM events WHERE emitter = $1 ORDER BY at DESC, id DESC LIMIT 30;
-- calls: 300
-- parameters: ["0x550748639a1675e04db3d8a4135094a0"]
SELECT id, at FROM events WHERE args ->> 'from' = $1 AND at >= '2024-03-01Z' AND at < '2024-04-01Z';
-- calls: 200
SELECT id FROM events WHERE args @> '{"amount": 4711}';
-- calls: 600
SELECT id, symbol, name FROM tokens WHERE symbol ILIKE 'tk29%' ORDER BY symbol LIMIT 10;
-- calls: 1500
-- parameters: ["0x400510fac4e520868d8d4fdaddc1d95500000000"]
SELECT id, symbol FROM tokens WHERE lower(address) = lower($1);
-- calls: 200
SELECT DISTINCT ON (token_id) token_id, block_time, value FROM transfers WHERE token_id BETWEEN 10 AND 20
  ORDER BY token_id, block_time DESC;
-- calls: 100
SELECT t.id FROM tokens t LEFT JOIN transfers x ON x.token_id = t.id WHERE x.token_id IS NULL AND t.standard = 721;
-- calls: 300
SELECT count(*) FROM transfers WHERE block_time > timestamptz '2024-06-02Z' - interval '1 day' AND token_id = 26;
-- calls: 300
WITH top AS (SELECT token_id FROM holders WHERE account = '0x03ee29553fec64364309b952e41691505ae09ec2')
  SELECT x.token_id, max(x.block_number) FROM transfers x JOIN top USING (token_id) GROUP BY 1;
-- calls: 5000
INSERT INTO holders VALUES (5, '0xffffffffffffffffffffffffffffffffffffffff', 1, 1)
  ON CONFLICT (token_id, account) DO UPDATE SET balance = excluded.balance;
-- name: expert
CREATE INDEX ON holders (token_id, balance DESC) INCLUDE (account);
CREATE INDEX ON holders (account) INCLUDE (token_id, balance);
CREATE INDEX ON transfers (sender, block_number DESC, log_index DESC) INCLUDE (value);
CREATE INDEX ON transfers (recipient, block_number DESC, log_index DESC) INCLUDE (value);
CREATE INDEX ON transfers (token_id, block_number DESC, log_index DESC);
CREATE INDEX ON transfers (token_id, block_time DESC) INCLUDE (value);
CREATE INDEX ON transfers (tx_hash);
CREATE INDEX ON transfers (block_time) INCLUDE (token_id, value);
CREATE INDEX ON transfers (block_number) WHERE confirmed IS NULL;
CREATE INDEX ON events (at) WHERE processed_at IS NULL;
CREATE INDEX ON events (emitter, at DESC, id DESC);
CREATE INDEX ON events ((args ->> 'from'), at);
CREATE INDEX ON events USING gin (args jsonb_path_ops);
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ON tokens USING gin (symbol gin_trgm_ops);
CREATE INDEX ON tokens (lower(address));
