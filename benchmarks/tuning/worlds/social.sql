-- name: schema
CREATE SCHEMA app;
CREATE TABLE app."Member" (uid uuid PRIMARY KEY, "tenantId" integer NOT NULL, handle varchar(40) NOT NULL,
  "displayName" text NOT NULL, bio text, active boolean NOT NULL, "lastSeen" timestamptz, score double precision NOT NULL);
CREATE TABLE app.posts (id bigint PRIMARY KEY, author uuid NOT NULL, tenant integer NOT NULL, body text NOT NULL,
  tags text[] NOT NULL, published boolean NOT NULL, deleted boolean NOT NULL, created timestamptz NOT NULL,
  views integer NOT NULL, doc tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED);
CREATE TABLE app.follows (follower uuid NOT NULL, followee uuid NOT NULL, at timestamptz NOT NULL,
  PRIMARY KEY (follower, followee));
CREATE TABLE app.notices (id bigint PRIMARY KEY, recipient uuid NOT NULL, kind smallint NOT NULL, read_at timestamptz,
  created timestamptz NOT NULL, data jsonb NOT NULL);
CREATE TABLE app.sessions (token text PRIMARY KEY, member uuid NOT NULL, expires_at timestamptz NOT NULL, ip inet NOT NULL,
  during tstzrange NOT NULL);
INSERT INTO app."Member" SELECT md5(i::text)::uuid, i % 150, 'user_' || substr(md5((i * 7)::text), 1, 10),
  'Name ' || substr(md5((i * 11)::text), 1, 8), CASE WHEN i % 4 = 0 THEN md5((i * 2)::text) END, i % 9 <> 0,
  CASE WHEN i % 5 <> 0 THEN timestamptz '2025-03-01Z' - i * interval '2 min' END, sqrt(i)
  FROM generate_series(1, 40000) i;
INSERT INTO app.posts SELECT i, md5((1 + (i::bigint * 6007) % 40000)::text)::uuid, (i % 150 * 37) % 150,
  'word' || i % 3000 || ' lorem ' || md5(i::text) || ' ipsum term' || i % 700, ARRAY['tag' || i % 900, 'tag' || i % 13],
  i % 6 <> 0, i % 50 = 0, timestamptz '2024-01-01Z' + i * interval '4 min', (i::bigint * i) % 10007
  FROM generate_series(1, 120000) i;
INSERT INTO app.follows SELECT md5((1 + i % 40000)::text)::uuid, md5((1 + (i::bigint * 131 + i / 40000) % 40000)::text)::uuid,
  timestamptz '2024-01-01Z' + i * interval '3 min' FROM generate_series(1, 160000) i ON CONFLICT DO NOTHING;
INSERT INTO app.notices SELECT i, md5((1 + (i::bigint * 97) % 40000)::text)::uuid, i % 8,
  CASE WHEN i % 25 <> 0 THEN timestamptz '2025-01-01Z' END, timestamptz '2024-06-01Z' + i * interval '2 min',
  jsonb_build_object('post', i % 120000, 'actor', 'a' || i % 4000, 'meta', jsonb_build_object('ref', md5((i % 30000)::text)))
  FROM generate_series(1, 150000) i;
INSERT INTO app.sessions SELECT md5('s' || i), md5((1 + i % 40000)::text)::uuid,
  timestamptz '2025-01-01Z' + i * interval '1 min', ('10.' || i % 250 || '.' || i / 250 % 250 || '.7')::inet,
  tstzrange(timestamptz '2024-12-01Z' + i * interval '1 min', timestamptz '2024-12-01Z' + (i + 60) * interval '1 min')
  FROM generate_series(1, 60000) i;
-- name: workload
-- calls: 3000
-- parameters: [17, 25]
SELECT id, author, body, created FROM app.posts WHERE tenant = $1 AND published AND NOT deleted
  ORDER BY created DESC, id DESC LIMIT $2;
-- calls: 1500
-- parameters: [17, "2024-08-01 00:00Z", 60000, 25]
SELECT p.id, p.body, m."displayName" FROM app.posts p JOIN app."Member" m ON m.uid = p.author
  WHERE p.tenant = $1 AND p.published AND NOT p.deleted AND (p.created, p.id) < ($2, $3)
  ORDER BY p.created DESC, p.id DESC LIMIT $4;
-- calls: 4000
-- parameters: ["USER_C81E728D9D"]
-- parameters: ["user_b1d5781111"]
SELECT uid, "displayName" FROM app."Member" WHERE upper(handle) = upper($1);
-- calls: 900
-- parameters: [42, "user_c8%"]
SELECT uid, handle FROM app."Member" WHERE "tenantId" = $1 AND handle LIKE $2 ORDER BY handle LIMIT 10;
-- calls: 2500
-- parameters: ["c4ca4238-a0b9-2382-0dcc-509a6f75849b"]
SELECT count(*) FROM app.notices WHERE recipient = $1 AND read_at IS NULL;
-- calls: 1200
-- parameters: ["c4ca4238-a0b9-2382-0dcc-509a6f75849b"]
SELECT id, kind, data FROM app.notices WHERE recipient = $1 ORDER BY created DESC LIMIT 20;
-- calls: 300
SELECT id, data -> 'meta' FROM app.notices WHERE data -> 'meta' ->> 'ref' = 'eccbc87e4b5ce2fe28308fd9f2a7baf3';
-- calls: 200
SELECT id FROM app.notices WHERE data @> '{"actor": "a77"}' AND kind = 5;
-- calls: 700
SELECT id, created FROM app.posts WHERE tags @> ARRAY['tag77'] ORDER BY created DESC LIMIT 20;
-- calls: 300
SELECT id, views FROM app.posts WHERE 'tag78' = ANY (tags);
-- calls: 600
SELECT id FROM app.posts WHERE doc @@ to_tsquery('simple', 'term77 & word1477') LIMIT 10;
-- calls: 100
SELECT count(*) FROM app.posts WHERE date_trunc('month', created AT TIME ZONE 'UTC') = '2024-03-01';
-- calls: 800
-- parameters: ["c4ca4238-a0b9-2382-0dcc-509a6f75849b"]
SELECT p.id, p.created FROM app.follows f CROSS JOIN LATERAL (SELECT id, created FROM app.posts WHERE author = f.followee
  AND NOT deleted ORDER BY created DESC LIMIT 3) p WHERE f.follower = $1 ORDER BY p.created DESC LIMIT 20;
-- calls: 500
-- parameters: ["c4ca4238-a0b9-2382-0dcc-509a6f75849b"]
SELECT count(*) FROM app.follows WHERE followee = $1;
-- calls: 200
SELECT member, token FROM app.sessions WHERE during @> timestamptz '2024-12-20 10:00Z';
-- calls: 400
DELETE FROM app.sessions WHERE expires_at < timestamptz '2025-01-01 00:30Z';
-- calls: 50
SELECT "tenantId", count(*), avg(score) FROM app."Member" WHERE active GROUP BY "tenantId" ORDER BY 2 DESC LIMIT 10;
-- calls: 100
SELECT m.uid FROM app."Member" m WHERE m."lastSeen" IS NULL AND NOT EXISTS (SELECT FROM app.sessions s WHERE s.member = m.uid)
  AND m."tenantId" = 20;
-- calls: 300
SELECT id, views FROM app.posts WHERE tenant = 33 AND views > 9900 ORDER BY views DESC;
-- calls: 300
SELECT max(created) FROM app.posts WHERE author = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b' AND published;
-- name: expert
CREATE INDEX ON app.posts (tenant, created DESC, id DESC) WHERE published AND NOT deleted;
CREATE INDEX ON app."Member" (upper(handle));
CREATE INDEX ON app."Member" ("tenantId", handle text_pattern_ops) INCLUDE (uid);
CREATE INDEX ON app.notices (recipient) WHERE read_at IS NULL;
CREATE INDEX ON app.notices (recipient, created DESC);
CREATE INDEX ON app.notices (((data -> 'meta') ->> 'ref'));
CREATE INDEX ON app.notices USING gin (data jsonb_path_ops);
CREATE INDEX ON app.posts USING gin (tags);
CREATE INDEX ON app.posts USING gin (doc);
CREATE INDEX ON app.posts (date_trunc('month', created AT TIME ZONE 'UTC'));
CREATE INDEX ON app.posts (author, created DESC) INCLUDE (id) WHERE NOT deleted;
CREATE INDEX ON app.follows (followee);
CREATE INDEX ON app.sessions USING gist (during);
CREATE INDEX ON app.sessions (expires_at);
CREATE INDEX ON app.sessions (member);
CREATE INDEX ON app."Member" ("tenantId") INCLUDE (uid) WHERE "lastSeen" IS NULL;
CREATE INDEX ON app.posts (tenant, views);
CREATE INDEX ON app.posts (author, created) WHERE published;
