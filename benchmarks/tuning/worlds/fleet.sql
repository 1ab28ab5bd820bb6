-- name: schema
CREATE DOMAIN plate AS text CHECK (VALUE ~ '^[A-Z]{2} [0-9]{1,6}$');
CREATE TABLE vehicles (id integer PRIMARY KEY, plate plate NOT NULL, model text NOT NULL, depot_id integer NOT NULL, retired_at date, features text[] NOT NULL, notes text);
CREATE TABLE positions (vehicle_id integer NOT NULL REFERENCES vehicles, at timestamptz NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL, speed smallint NOT NULL, raw bytea, PRIMARY KEY (vehicle_id, at));
CREATE TABLE deliveries (id uuid PRIMARY KEY, code varchar(24) NOT NULL, vehicle_id integer REFERENCES vehicles, status text NOT NULL, promised tstzrange NOT NULL, done_at timestamptz, weight numeric NOT NULL, address jsonb NOT NULL, remarks text, customer text NOT NULL);
CREATE TABLE scans (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, delivery_id uuid NOT NULL, kind smallint NOT NULL, at timestamp NOT NULL, ip inet NOT NULL, ok boolean NOT NULL);
INSERT INTO vehicles SELECT i, 'ZH ' || i, 'model ' || i % 40, i % 25, CASE WHEN i % 10 = 0 THEN date '2024-01-01' + i % 300 END, ARRAY['f' || i % 30, 'g' || i % 7], repeat('n', i % 90) FROM generate_series(1, 6000) i;
INSERT INTO positions SELECT i % 3000 + 1, timestamptz '2024-05-01Z' + (i / 3000) * interval '5 min', 47 + random(), 8 + random(), (random() * 120)::int, decode(md5(i::text), 'hex') FROM generate_series(0, 599999) i;
INSERT INTO deliveries SELECT md5(i::text)::uuid, 'D-' || to_char(i, 'FM00000000'), CASE WHEN i % 5 <> 0 THEN i % 5999 + 1 END, CASE WHEN i % 500 = 0 THEN 'failed' WHEN i % 100 = 1 THEN 'open' ELSE 'done' END, tstzrange(timestamptz '2024-01-01Z' + i * interval '1 min', timestamptz '2024-01-01Z' + i * interval '1 min' + interval '2 h'), CASE WHEN i % 100 <> 1 THEN timestamptz '2024-01-01Z' + i * interval '1 min' END, (i % 4000) / 10.0, jsonb_build_object('zip', (i * 7919::bigint % 9000 + 1000)::text, 'geo', jsonb_build_object('c', 'CH')), repeat('remark ' || i || ' ', 30), 'Cust ' || i % 20000 || ' AG' FROM generate_series(1, 200000) i;
INSERT INTO scans (delivery_id, kind, at, ip, ok) SELECT md5((i % 200000 + 1)::text)::uuid, i % 6, timestamp '2024-01-01' + i * interval '25 s', ('10.' || i % 200 || '.' || i / 200 % 250 || '.7')::inet, i % 700 <> 0 FROM generate_series(1, 500000) i;
-- name: workload
-- calls: 300
SELECT id, status FROM deliveries WHERE upper(code) = upper('d-00012345');
-- calls: 200
SELECT v.id, p.at, p.lat, p.lon FROM vehicles v CROSS JOIN LATERAL (SELECT * FROM positions p WHERE p.vehicle_id = v.id ORDER BY p.at DESC LIMIT 1) p WHERE v.depot_id = 7;
-- calls: 100
SELECT id FROM deliveries WHERE promised @> timestamptz '2024-03-03 10:00Z';
-- calls: 80
SELECT id, code FROM deliveries WHERE address ->> 'zip' = '4242' AND status <> 'done';
-- calls: 80
SELECT id, code FROM deliveries WHERE address -> 'geo' ->> 'c' = 'CH' AND address ->> 'zip' = '5555' ORDER BY code LIMIT 5;
-- calls: 150
SELECT * FROM deliveries WHERE vehicle_id = 4711 AND done_at IS NULL;
-- calls: 60
SELECT count(*) FROM scans WHERE NOT ok AND at >= '2024-02-01';
-- calls: 50
SELECT delivery_id, max(at) FROM scans WHERE delivery_id IN ('c4ca4238-a0b9-2382-0dcc-509a6f75849b', 'c81e728d-9d4c-2f63-6f06-7f89cc14862c') GROUP BY delivery_id;
-- calls: 40
SELECT id, at FROM scans WHERE ip << '10.17.0.0/16' ORDER BY at DESC LIMIT 20;
-- calls: 90
SELECT id, customer FROM deliveries WHERE customer ILIKE 'cust 1234%' LIMIT 20;
-- calls: 70
SELECT id, plate FROM vehicles WHERE features @> ARRAY['f3', 'g2'] AND retired_at IS NULL;
-- calls: 30
SELECT extract(hour FROM at) AS h, count(*) FROM scans WHERE at::date = '2024-03-01' GROUP BY 1;
-- calls: 40
SELECT d.id, d.code FROM deliveries d WHERE d.status = 'failed' AND NOT EXISTS (SELECT FROM scans s WHERE s.delivery_id = d.id AND s.kind = 5) ORDER BY d.done_at DESC LIMIT 10;
-- calls: 60
SELECT id FROM deliveries WHERE coalesce(done_at, 'infinity') > '2024-05-19' AND status = 'open';
-- calls: 50
SELECT id, code FROM deliveries WHERE (status, vehicle_id) IN (('open', 12), ('failed', 4001));
-- calls: 20
SELECT vehicle_id, avg(speed) FROM positions WHERE at >= timestamptz '2024-05-01 12:00Z' AND at < timestamptz '2024-05-01 13:00Z' GROUP BY vehicle_id;
-- calls: 30
SELECT id, weight FROM deliveries WHERE weight BETWEEN 399 AND 400 AND vehicle_id IS NULL ORDER BY weight DESC, id LIMIT 20;
-- calls: 20
SELECT id FROM deliveries WHERE remarks LIKE '%remark 77777 %';
-- calls: 15
SELECT d.customer, count(*) FROM deliveries d JOIN scans s ON s.delivery_id = d.id WHERE d.customer = 'Cust 777 AG' AND s.kind = 2 GROUP BY 1;
-- calls: 40
SELECT id, code FROM deliveries WHERE right(code, 4) = '9876';
-- calls: 500
INSERT INTO scans (delivery_id, kind, at, ip, ok) VALUES ('c4ca4238-a0b9-2382-0dcc-509a6f75849b', 1, '2024-06-01', '10.1.1.1', true);
-- calls: 300
UPDATE deliveries SET status = 'done', done_at = '2024-06-01Z' WHERE id = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b';
-- name: expert
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ON deliveries (upper(code));
CREATE INDEX ON vehicles (depot_id);
CREATE INDEX ON deliveries USING gist (promised);
CREATE INDEX ON deliveries ((address ->> 'zip'));
CREATE INDEX ON deliveries (vehicle_id) WHERE done_at IS NULL;
CREATE INDEX ON scans (at) WHERE NOT ok;
CREATE INDEX ON scans (delivery_id, at);
CREATE INDEX ON scans USING gist (ip inet_ops);
CREATE INDEX ON deliveries USING gin (customer gin_trgm_ops);
CREATE INDEX ON vehicles USING gin (features) WHERE retired_at IS NULL;
CREATE INDEX ON scans ((at::date));
CREATE INDEX ON deliveries (done_at) WHERE status = 'failed';
CREATE INDEX ON deliveries ((coalesce(done_at, 'infinity'))) WHERE status = 'open';
CREATE INDEX ON deliveries (vehicle_id, status);
CREATE INDEX ON positions (at);
CREATE INDEX ON deliveries (weight DESC, id) WHERE vehicle_id IS NULL;
CREATE INDEX ON deliveries USING gin (remarks gin_trgm_ops);
CREATE INDEX ON deliveries (customer);
CREATE INDEX ON deliveries (right(code, 4));
