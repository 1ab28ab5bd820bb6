-- name: schema
CREATE TYPE visit_state AS ENUM ('booked', 'arrived', 'done', 'missed');
CREATE TABLE patients (patient_no integer PRIMARY KEY, given varchar(60) NOT NULL, family varchar(60) NOT NULL,
  born date NOT NULL, insurance varchar(20), city text, merged_into integer, changed timestamp NOT NULL);
CREATE TABLE visits (visit_id bigserial PRIMARY KEY, patient_no integer NOT NULL REFERENCES patients, doctor smallint NOT NULL,
  room smallint, state visit_state NOT NULL, starts timestamptz NOT NULL, ends timestamptz, fee money, remarks text);
CREATE TABLE readings (device integer NOT NULL, taken timestamptz NOT NULL, metric text NOT NULL, value real NOT NULL,
  flagged boolean NOT NULL DEFAULT false);
CREATE TABLE letters (id bigint PRIMARY KEY, patient_no integer NOT NULL, subject text NOT NULL, body text NOT NULL,
  sent_on date, attributes jsonb);
INSERT INTO patients SELECT i, substr(md5(i::text), 1, 7), initcap(substr(md5((i % 9000)::text), 1, 9)),
  date '1930-01-01' + (i * 7919) % 33000, CASE WHEN i % 3 > 0 THEN 'V' || lpad(i::text, 9, '0') END,
  CASE WHEN i % 10 < 6 THEN 'Capital' ELSE 'Town ' || i % 800 END, CASE WHEN i % 700 = 0 THEN i - 1 END,
  timestamp '2023-01-01' + i * interval '11 min' FROM generate_series(1, 50000) i;
INSERT INTO visits (patient_no, doctor, room, state, starts, ends, fee, remarks) SELECT 1 + (i * 6151) % 50000, i % 60,
  CASE WHEN i % 4 > 0 THEN i % 25 END, (CASE WHEN i > 149000 THEN 'booked' WHEN i % 30 = 0 THEN 'missed' ELSE 'done' END)::visit_state,
  timestamptz '2023-01-01Z' + i * interval '10 min', CASE WHEN i <= 149000 THEN timestamptz '2023-01-01Z' + i * interval '10 min' + interval '20 min' END,
  (i % 300)::numeric::money, CASE WHEN i % 8 = 0 THEN 'see letter ' || md5(i::text) END FROM generate_series(1, 150000) i;
INSERT INTO readings SELECT i % 300, timestamptz '2024-01-01Z' + i * interval '30 s', (ARRAY['pulse','spo2','temp'])[1 + i % 3],
  (i::bigint * 31) % 200, i % 2500 = 0 FROM generate_series(1, 300000) i;
INSERT INTO letters SELECT i, 1 + (i * 31) % 50000, 'Re: ' || md5((i % 5000)::text), repeat('Dear ' || md5(i::text) || ' ', 5),
  CASE WHEN i % 60 <> 0 THEN date '2023-01-01' + i / 60 END,
  CASE WHEN i % 2 = 0 THEN jsonb_build_object('type', (ARRAY['referral','bill','report'])[1 + i % 3], 'keys', jsonb_build_array(i % 400, 'k' || i % 90)) END
  FROM generate_series(1, 50000) i;
-- name: workload
-- calls: 1000
SELECT patient_no, given, family, born FROM patients WHERE lower(family) = lower('C4Ca4238A') AND lower(given) LIKE 'a%';
-- calls: 700
SELECT patient_no, given, family FROM patients WHERE family || ', ' || given ILIKE '%c4ca4%' LIMIT 10;
-- calls: 500
-- parameters: ["1985-03-01"]
SELECT patient_no, family FROM patients WHERE born = $1 AND merged_into IS NULL;
-- calls: 200
SELECT patient_no FROM patients WHERE extract(month FROM born) = 3 AND extract(day FROM born) = 14;
-- calls: 900
SELECT v.visit_id, v.starts, p.family FROM visits v JOIN patients p USING (patient_no) WHERE v.doctor = 17 AND v.state = 'booked'
  ORDER BY v.starts LIMIT 10;
-- calls: 300
SELECT visit_id, patient_no FROM visits WHERE ends IS NULL AND starts < timestamptz '2025-11-01Z';
-- calls: 800
SELECT visit_id, starts, state FROM visits WHERE patient_no = 4711 AND starts > timestamptz '2025-06-01Z' - interval '2 years' ORDER BY starts DESC;
-- calls: 100
SELECT doctor, count(*) FILTER (WHERE state = 'missed'), sum(fee) FROM visits WHERE starts >= '2024-05-01Z' AND starts < '2024-05-08Z' GROUP BY doctor;
-- calls: 400
SELECT count(*) FROM visits WHERE date_trunc('day', starts AT TIME ZONE 'Europe/Zurich') = timestamp '2024-05-05';
-- calls: 1500
-- parameters: [17]
-- parameters: [250]
SELECT taken, metric, value FROM readings WHERE device = $1 ORDER BY taken DESC LIMIT 1;
-- calls: 200
-- parameters: [17, "pulse", "2024-02-01Z", "2024-02-08Z"]
SELECT avg(value), min(value), max(value) FROM readings WHERE device = $1 AND metric = $2 AND taken >= $3 AND taken < $4;
-- calls: 100
SELECT device, taken, value FROM readings WHERE flagged ORDER BY taken DESC LIMIT 50;
-- calls: 60
SELECT date_trunc('hour', taken) AS h, avg(value) FROM readings WHERE taken >= '2024-03-01Z' AND taken < '2024-03-02Z' AND metric = 'temp' GROUP BY 1 ORDER BY 1;
-- calls: 250
SELECT id, subject FROM letters WHERE sent_on IS NULL ORDER BY id LIMIT 20;
-- calls: 250
SELECT id FROM letters WHERE attributes ->> 'type' = 'bill' AND patient_no = 777;
-- calls: 150
SELECT id FROM letters WHERE attributes -> 'keys' @> '[77]';
-- calls: 150
SELECT id, subject FROM letters WHERE body LIKE '%c4ca4238a0b9%';
-- calls: 100
SELECT p.patient_no FROM patients p WHERE p.city = 'Town 77' AND p.patient_no NOT IN (SELECT patient_no FROM visits WHERE starts > '2025-01-01Z');
-- calls: 600
SELECT patient_no, insurance FROM patients WHERE insurance IN ('V000000047', 'V000004712', 'V000011111') OR patient_no = 99;
-- calls: 500
UPDATE visits SET state = 'missed' WHERE state = 'booked' AND starts < timestamptz '2025-10-31Z';
-- calls: 100
SELECT v.patient_no, v.visit_id, v.starts FROM visits v WHERE v.starts = (SELECT max(starts) FROM visits w WHERE w.patient_no = v.patient_no) AND v.patient_no BETWEEN 100 AND 130;
-- calls: 300
SELECT visit_id FROM visits WHERE coalesce(room, -1) = 7 AND doctor = 7 AND starts >= '2024-09-01Z' AND starts < '2024-09-08Z';
-- name: expert
CREATE INDEX ON patients (lower(family), lower(given) text_pattern_ops);
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ON patients USING gin ((family || ', ' || given) gin_trgm_ops);
CREATE INDEX ON patients (born);
CREATE INDEX ON patients (extract(month FROM born), extract(day FROM born));
CREATE INDEX ON visits (doctor, starts) WHERE state = 'booked';
CREATE INDEX ON visits (starts) WHERE ends IS NULL;
CREATE INDEX ON visits (patient_no, starts DESC);
CREATE INDEX ON visits (starts);
CREATE INDEX ON visits (date_trunc('day', starts AT TIME ZONE 'Europe/Zurich'));
CREATE INDEX ON readings (device, taken DESC) INCLUDE (metric, value);
CREATE INDEX ON readings (taken DESC) WHERE flagged;
CREATE INDEX ON readings (taken) INCLUDE (metric, value);
CREATE INDEX ON letters (id) WHERE sent_on IS NULL;
CREATE INDEX ON letters (patient_no);
CREATE INDEX ON letters USING gin ((attributes -> 'keys'));
CREATE INDEX ON letters USING gin (body gin_trgm_ops);
CREATE INDEX ON patients (city);
CREATE INDEX ON patients (insurance);
CREATE INDEX ON visits (starts) WHERE state = 'booked';
CREATE INDEX ON visits (doctor, starts);
