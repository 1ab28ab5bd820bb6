-- name: schema
CREATE TABLE agents (id serial PRIMARY KEY, login varchar(50) NOT NULL, mail text NOT NULL, team integer, prefs json NOT NULL,
  location point NOT NULL, joined date NOT NULL);
CREATE TABLE tickets (id bigserial PRIMARY KEY, agent_id integer REFERENCES agents ON DELETE SET NULL, org integer NOT NULL,
  title text NOT NULL, body text NOT NULL, state smallint NOT NULL, urgent boolean NOT NULL DEFAULT false,
  labels text[] NOT NULL DEFAULT '{}', extra jsonb NOT NULL DEFAULT '{}', opened timestamptz NOT NULL, closed timestamptz,
  due timestamptz, updated timestamptz NOT NULL, spent interval NOT NULL);
CREATE TABLE messages (id bigserial PRIMARY KEY, ticket_id bigint NOT NULL REFERENCES tickets ON DELETE CASCADE,
  author text NOT NULL, sent timestamptz NOT NULL, body text NOT NULL, internal boolean NOT NULL);
CREATE TABLE outbox (id bigserial PRIMARY KEY, topic text NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL,
  published_at timestamptz, attempts integer NOT NULL DEFAULT 0, run_after timestamptz NOT NULL);
CREATE TABLE logins (login text NOT NULL, at timestamptz NOT NULL, address inet NOT NULL, ok boolean NOT NULL);
INSERT INTO agents (login, mail, team, prefs, location, joined) SELECT 'Agent' || i, 'agent' || i || '@Desk' || i % 5 || '.test', CASE WHEN i % 10 > 0 THEN i % 40 END,
  json_build_object('lang', (ARRAY['de','fr','it'])[1 + i % 3], 'sso', 'id-' || i), point(i % 181, (i * 7) % 89), date '2019-01-01' + i % 2000
  FROM generate_series(1, 20000) i;
INSERT INTO tickets (agent_id, org, title, body, state, urgent, labels, extra, opened, closed, due, updated, spent)
  SELECT CASE WHEN i % 5 > 0 THEN 1 + (i * 31) % 20000 END, (i * i::bigint) % 500, 'Issue ' || md5((i % 40000)::text), repeat(md5(i::text) || ' ', 3),
  CASE WHEN i % 200 = 0 THEN 0 WHEN i % 30 = 0 THEN 1 ELSE 4 END, i % 60 = 0, ARRAY['l' || i % 600, 'common'],
  jsonb_build_object('source', (ARRAY['mail','web','api'])[1 + i % 3], 'device', jsonb_build_object('os', 'os' || i % 5, 'serial', 'S' || i % 50000), 'amount', i % 10000, 'vip', i % 800 = 0),
  timestamptz '2024-01-01Z' + i * interval '5 min', CASE WHEN i % 200 > 0 AND i % 30 > 0 THEN timestamptz '2024-01-02Z' + i * interval '5 min' END,
  CASE WHEN i % 7 = 0 THEN timestamptz '2024-02-01Z' + i * interval '5 min' END, timestamptz '2024-01-03Z' + (i * 7919 % 130000) * interval '5 min', (i % 600) * interval '1 min'
  FROM generate_series(1, 130000) i;
INSERT INTO messages (ticket_id, author, sent, body, internal) SELECT 1 + (i * 7919::bigint) % 130000, 'a' || i % 20000,
  timestamptz '2024-01-01Z' + i * interval '3 min', repeat(md5(i::text), 2), i % 3 = 0 FROM generate_series(1, 250000) i;
INSERT INTO outbox (topic, payload, created_at, published_at, attempts, run_after) SELECT 'topic.' || i % 12, jsonb_build_object('k', i), timestamptz '2024-06-01Z' + i * interval '20 s',
  CASE WHEN i < 119500 THEN timestamptz '2024-06-01Z' + i * interval '21 s' END, CASE WHEN i % 40 = 0 THEN i % 7 ELSE 0 END, timestamptz '2024-06-01Z' + i * interval '20 s' FROM generate_series(1, 120000) i;
INSERT INTO logins SELECT 'Agent' || 1 + (i * 31) % 20000, timestamptz '2024-01-01Z' + i * interval '2 min', ('172.' || i % 16 || '.' || i % 253 || '.' || i / 700 % 250)::inet, i % 15 > 0 FROM generate_series(1, 200000) i;
CREATE VIEW open_tickets AS SELECT t.*, a.login AS agent FROM tickets t LEFT JOIN agents a ON a.id = t.agent_id WHERE t.closed IS NULL;
CREATE VIEW ticket_activity AS SELECT ticket_id, count(*) AS n, max(sent) AS last FROM messages GROUP BY ticket_id;
-- name: workload
-- calls: 900
SELECT id FROM agents WHERE mail ILIKE 'agent4711@desk1.test';
-- calls: 900
-- parameters: ["AGENT77"]
SELECT id, mail FROM agents WHERE lower(login) LIKE lower($1) || '%' ORDER BY lower(login) LIMIT 10;
-- calls: 500
SELECT id FROM agents WHERE starts_with(mail, 'agent123');
-- calls: 200
SELECT id FROM agents WHERE prefs ->> 'sso' = 'id-555';
-- calls: 300
SELECT id FROM agents WHERE location <@ box '((10,10),(12,12))';
-- calls: 300
SELECT id FROM agents ORDER BY location <-> point '(50,50)' LIMIT 5;
-- calls: 200
SELECT id FROM agents WHERE extract(year FROM joined) = 2021 AND team = 7;
-- calls: 2000
UPDATE outbox SET attempts = attempts + 1 WHERE id IN (SELECT id FROM outbox WHERE published_at IS NULL AND run_after <= timestamptz '2024-06-29Z'
  ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED) RETURNING id, topic, payload;
-- calls: 100
SELECT topic, count(*) FROM outbox WHERE published_at IS NULL GROUP BY topic;
-- calls: 50
DELETE FROM outbox WHERE published_at < timestamptz '2024-06-01 02:00Z';
-- calls: 300
SELECT id FROM outbox WHERE attempts > 5 AND published_at IS NOT NULL ORDER BY created_at DESC LIMIT 20;
-- calls: 1000
-- parameters: [25]
SELECT id, title, updated FROM tickets WHERE org = $1 AND state IN (0, 1) ORDER BY updated DESC LIMIT 20;
-- calls: 700
SELECT id, title FROM open_tickets WHERE agent = 'Agent31' ORDER BY opened;
-- calls: 300
SELECT count(*) FROM open_tickets WHERE org = 100;
-- calls: 400
SELECT id, title FROM tickets WHERE closed IS NULL AND due < timestamptz '2024-06-01Z' ORDER BY due;
-- calls: 300
SELECT id FROM tickets WHERE urgent AND closed IS NULL;
-- calls: 200
SELECT id, title FROM tickets WHERE 'l77' = ANY (labels) AND closed IS NULL;
-- calls: 300
SELECT id FROM tickets WHERE labels && ARRAY['l78', 'l99'];
-- calls: 300
SELECT id FROM tickets WHERE extra -> 'device' ->> 'serial' = 'S4711';
-- calls: 200
SELECT id FROM tickets WHERE extra #>> '{device,serial}' = 'S4712';
-- calls: 200
SELECT id FROM tickets WHERE (extra ->> 'amount')::int BETWEEN 500 AND 503;
-- calls: 200
SELECT count(*) FROM tickets WHERE (extra ->> 'vip')::boolean;
-- calls: 200
SELECT id FROM tickets WHERE extra @> jsonb_build_object('device', jsonb_build_object('serial', 'S99'));
-- calls: 200
SELECT id FROM tickets WHERE extra @? '$.device.serial ? (@ == "S123")';
-- calls: 300
SELECT id, title FROM tickets WHERE to_tsvector('english', title || ' ' || body) @@ plainto_tsquery('english', 'c81e728d9d4c2f636f067f89cc14862c');
-- calls: 200
SELECT id FROM tickets WHERE title ~* 'c81e728d9d4c';
-- calls: 200
SELECT id FROM tickets WHERE position('eccbc87e4b5ce' in body) > 0;
-- calls: 400
SELECT id, title FROM tickets ORDER BY coalesce(due, opened) DESC LIMIT 20;
-- calls: 400
SELECT id, title FROM tickets WHERE org = 25 ORDER BY due DESC NULLS LAST, id LIMIT 20;
-- calls: 400
SELECT id, title FROM tickets WHERE agent_id = 3101 AND opened > timestamptz '2024-06-01Z' - interval '90 days' ORDER BY opened DESC;
-- calls: 100
SELECT date(opened AT TIME ZONE 'UTC') AS d, count(*) FROM tickets WHERE opened >= '2024-05-01Z' AND opened < '2024-05-03Z' GROUP BY 1;
-- calls: 100
SELECT count(*) FROM tickets WHERE to_char(opened AT TIME ZONE 'UTC', 'YYYY-MM') = '2024-03';
-- calls: 100
SELECT count(*) FROM tickets WHERE extract(hour FROM opened AT TIME ZONE 'UTC') = 3 AND org = 25;
-- calls: 50
SELECT state, count(*) FROM tickets GROUP BY state;
-- calls: 300
SELECT count(DISTINCT org) FROM tickets WHERE opened BETWEEN '2024-04-01Z' AND '2024-04-08Z';
-- calls: 600
SELECT n, last FROM ticket_activity WHERE ticket_id = 4711;
-- calls: 700
SELECT t.id, m.body FROM tickets t JOIN LATERAL (SELECT body FROM messages WHERE ticket_id = t.id AND NOT internal ORDER BY sent DESC LIMIT 1) m ON true
  WHERE t.agent_id = 3101;
-- calls: 200
SELECT * FROM (SELECT m.*, row_number() OVER (PARTITION BY ticket_id ORDER BY sent DESC) AS r FROM messages m WHERE ticket_id IN (5, 50, 500, 5000)) x WHERE r = 1;
-- calls: 300
SELECT ticket_id, max(sent) FROM messages WHERE author = 'a777' GROUP BY ticket_id;
-- calls: 100
SELECT t.id FROM tickets t LEFT JOIN messages m ON m.ticket_id = t.id WHERE m.id IS NULL AND t.org = 25;
-- calls: 400
SELECT id FROM messages WHERE (sent, id) > ('2025-06-01Z', 0) ORDER BY sent, id LIMIT 50;
-- calls: 300
DELETE FROM tickets WHERE id = 77;
-- calls: 20
DELETE FROM agents WHERE id = 88;
-- calls: 600
SELECT at, address FROM logins WHERE login = 'Agent311' ORDER BY at DESC LIMIT 1;
-- calls: 200
SELECT count(*) FROM logins WHERE NOT ok AND at >= '2024-08-01Z' AND at < '2024-08-02Z';
-- calls: 200
SELECT login, at FROM logins WHERE address << inet '172.3.17.0/24';
-- calls: 200
SELECT login FROM logins WHERE at > (SELECT max(at) FROM logins) - interval '1 hour';
-- calls: 100
SELECT a.id, a.login FROM agents a WHERE a.team IS NULL AND a.login NOT IN (SELECT login FROM logins WHERE at > '2024-10-01Z');
-- calls: 100
SELECT EXISTS (SELECT 1 FROM tickets WHERE org = 499 AND urgent);
-- calls: 100
SELECT org, sum(extract(epoch FROM spent)) FROM tickets WHERE org IN (25, 36, 49) AND opened >= '2024-03-01Z' GROUP BY org;
-- calls: 100
WITH recent AS MATERIALIZED (SELECT id, org FROM tickets WHERE updated > '2025-03-28Z') SELECT org, count(*) FROM recent GROUP BY org ORDER BY 2 DESC LIMIT 5;
-- calls: 100
SELECT id FROM tickets WHERE agent_id IS NULL AND state = 0 UNION ALL SELECT id FROM tickets WHERE urgent AND state = 1;
-- calls: 200
SELECT t.title FROM tickets t WHERE t.id IN (SELECT ticket_id FROM messages WHERE author = 'a42' AND internal);
-- calls: 100
SELECT a.team, count(*) FROM agents a JOIN tickets t ON t.agent_id = a.id AND t.closed IS NULL WHERE a.team = 7 GROUP BY a.team;
-- name: expert
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ON agents USING gin (mail gin_trgm_ops);
CREATE INDEX ON agents (lower(login) text_pattern_ops);
CREATE INDEX ON agents (mail text_pattern_ops);
CREATE INDEX ON agents ((prefs ->> 'sso'));
CREATE INDEX ON agents USING gist (location);
CREATE INDEX ON agents (team);
CREATE INDEX ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX ON outbox (published_at);
CREATE INDEX ON outbox (created_at DESC) WHERE attempts > 5;
CREATE INDEX ON tickets (org, updated DESC) WHERE state IN (0, 1);
CREATE INDEX ON tickets (agent_id, opened DESC);
CREATE INDEX ON tickets (org) WHERE closed IS NULL;
CREATE INDEX ON tickets (due) WHERE closed IS NULL;
CREATE INDEX ON tickets (urgent) WHERE urgent AND closed IS NULL;
CREATE INDEX ON tickets USING gin (labels);
CREATE INDEX ON tickets ((extra -> 'device' ->> 'serial'));
CREATE INDEX ON tickets ((extra #>> '{device,serial}'));
CREATE INDEX ON tickets (((extra ->> 'amount')::int));
CREATE INDEX ON tickets ((1)) WHERE (extra ->> 'vip')::boolean;
CREATE INDEX ON tickets USING gin (extra jsonb_path_ops);
CREATE INDEX ON tickets USING gin (to_tsvector('english', title || ' ' || body));
CREATE INDEX ON tickets USING gin (title gin_trgm_ops);
CREATE INDEX ON tickets (coalesce(due, opened) DESC);
CREATE INDEX ON tickets (org, due DESC NULLS LAST, id);
CREATE INDEX ON tickets (opened) INCLUDE (org);
CREATE INDEX ON tickets (state);
CREATE INDEX ON messages (ticket_id, sent DESC);
CREATE INDEX ON messages (author, ticket_id) INCLUDE (sent);
CREATE INDEX ON messages (sent, id);
CREATE INDEX ON logins (login, at DESC) INCLUDE (address);
CREATE INDEX ON logins (at) WHERE NOT ok;
CREATE INDEX ON logins (at) INCLUDE (login);
CREATE INDEX ON logins (address inet_ops) INCLUDE (login, at);
CREATE INDEX ON tickets (updated) INCLUDE (org);
CREATE INDEX ON tickets (state) WHERE state IN (0, 1);
CREATE INDEX ON tickets (agent_id) WHERE closed IS NULL;
