-- name: schema
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, full_name text NOT NULL, phone varchar(20),
  country char(2) NOT NULL, settings jsonb NOT NULL, deleted_at timestamptz, created_at timestamptz NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, status text NOT NULL,
  total numeric(12,2) NOT NULL, placed_at timestamp NOT NULL, shipped_at timestamp, reference varchar(32) NOT NULL,
  note text);
CREATE TABLE order_lines (order_id bigint NOT NULL REFERENCES orders, line integer NOT NULL, sku text NOT NULL,
  quantity integer NOT NULL, price numeric(12,2) NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE tasks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue text NOT NULL, status text NOT NULL,
  priority integer NOT NULL, created_at timestamptz NOT NULL, locked_by text, payload text NOT NULL);
INSERT INTO customers SELECT i, 'Person.' || i || '@Mail' || i % 7 || '.example', initcap(substr(md5(i::text), 1, 6))
  || ' ' || initcap(substr(md5((i * 3)::text), 1, 9)), CASE WHEN i % 3 = 0 THEN '+41' || 700000000 + i END,
  (ARRAY['CH','DE','FR','IT','AT','LI'])[1 + i % 6],
  jsonb_build_object('plan', CASE WHEN i % 500 = 0 THEN 'gold' ELSE 'free' END, 'theme', 'dark', 'flags',
    jsonb_build_array('f' || i % 300), 'external', 'x' || i % 20000),
  CASE WHEN i % 40 = 0 THEN timestamptz '2025-02-01' + i * interval '1 min' END,
  timestamptz '2024-01-01 00:00Z' + i * interval '9 min' FROM generate_series(1, 60000) i;
INSERT INTO orders SELECT i, 1 + (i::bigint * 7919) % 60000,
  CASE WHEN i % 400 = 0 THEN 'pending' WHEN i % 90 = 0 THEN 'refunded' WHEN i % 11 = 0 THEN 'cancelled' ELSE 'shipped' END,
  (i * 37 % 90000) / 100.0, timestamp '2024-01-01' + i * interval '3 min 20 s',
  CASE WHEN i % 250 <> 0 THEN timestamp '2024-01-02' + i * interval '3 min 20 s' END,
  upper(substr(md5(i::text), 1, 10)), CASE WHEN i % 20 = 0 THEN 'gift for ' || md5((i * 5)::text) END
  FROM generate_series(1, 160000) i;
INSERT INTO order_lines SELECT o, l, 'SKU-' || lpad(((o * 31 + l * 17) % 5000)::text, 5, '0'), 1 + (o + l) % 4,
  ((o * l) % 9000) / 100.0 FROM generate_series(1, 160000) o, generate_series(1, 2) l;
INSERT INTO tasks (queue, status, priority, created_at, locked_by, payload) SELECT 'q' || i % 5,
  CASE WHEN i % 350 = 0 THEN 'pending' WHEN i % 1000 = 1 THEN 'running' WHEN i % 77 = 0 THEN 'failed' ELSE 'done' END,
  i % 3, timestamptz '2025-01-01Z' + i * interval '15 s', CASE WHEN i % 1000 = 1 THEN 'worker' || i % 9 END,
  repeat(md5(i::text), 4) FROM generate_series(1, 100000) i;
-- name: workload
-- calls: 5000
-- parameters: ["person.4711@mail0.example"]
-- parameters: ["nobody@mail0.example"]
SELECT id, full_name, email FROM customers WHERE lower(email) = $1 AND deleted_at IS NULL;
-- calls: 4000
SELECT id, payload FROM tasks WHERE status = 'pending' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED;
-- calls: 900
-- parameters: ["q3"]
SELECT id FROM tasks WHERE queue = $1 AND status = 'pending' ORDER BY priority DESC, created_at LIMIT 5
  FOR UPDATE SKIP LOCKED;
-- calls: 300
SELECT count(*) FROM tasks WHERE status = 'failed';
-- calls: 2000
-- parameters: [4711, 20]
-- parameters: [31, 20]
SELECT id, status, total, placed_at FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT $2;
-- calls: 800
SELECT o.id, o.reference, c.email FROM orders o JOIN customers c ON c.id = o.customer_id
  WHERE o.shipped_at IS NULL AND o.status <> 'cancelled' ORDER BY o.placed_at LIMIT 50;
-- calls: 700
-- parameters: ["2024-06-10"]
SELECT count(*), sum(total) FROM orders WHERE placed_at::date = $1;
-- calls: 200
-- parameters: ["2024-07-01", "2024-07-04"]
SELECT date_trunc('day', placed_at) AS day, sum(total) FROM orders WHERE placed_at >= $1 AND placed_at < $2
  GROUP BY 1 ORDER BY 1;
-- calls: 500
-- parameters: ["%4f3a9%"]
SELECT id, full_name FROM customers WHERE full_name ILIKE $1 LIMIT 20;
-- calls: 1500
-- parameters: ["C4CA42%"]
SELECT id, customer_id FROM orders WHERE reference LIKE $1;
-- calls: 400
-- parameters: ["x777"]
SELECT id, email FROM customers WHERE settings ->> 'external' = $1;
-- calls: 400
SELECT id, email FROM customers WHERE settings @> '{"plan": "gold"}';
-- calls: 350
-- parameters: ["+41700004713", "Person.99@Mail1.example"]
SELECT id, full_name FROM customers WHERE phone = $1 OR email = $2;
-- calls: 600
-- parameters: ["SKU-00042"]
SELECT sum(quantity), sum(quantity * price) FROM order_lines WHERE sku = $1;
-- calls: 100
SELECT c.id, c.email FROM customers c WHERE c.country = 'LI' AND NOT EXISTS
  (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.status = 'refunded') ORDER BY c.id LIMIT 100;
-- calls: 250
-- parameters: ["{4711,31,888,12345}"]
SELECT DISTINCT ON (customer_id) customer_id, id, total, placed_at FROM orders WHERE customer_id = ANY ($1)
  ORDER BY customer_id, placed_at DESC;
-- calls: 50
INSERT INTO tasks (queue, status, priority, created_at, payload) VALUES ('q1', 'pending', 1, now(), 'x');
-- calls: 4000
-- parameters: [350]
UPDATE tasks SET status = 'running', locked_by = 'w' WHERE id = $1;
-- name: expert
CREATE INDEX ON customers (lower(email)) WHERE deleted_at IS NULL;
CREATE INDEX ON tasks (created_at) WHERE status = 'pending';
CREATE INDEX ON tasks (queue, priority DESC, created_at) WHERE status = 'pending';
CREATE INDEX ON tasks (status) WHERE status = 'failed';
CREATE INDEX ON orders (customer_id, placed_at DESC) INCLUDE (id, status, total);
CREATE INDEX ON orders (placed_at) WHERE shipped_at IS NULL;
CREATE INDEX ON orders ((placed_at::date)) INCLUDE (total);
CREATE INDEX ON orders (placed_at) INCLUDE (total);
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ON customers USING gin (full_name gin_trgm_ops);
CREATE INDEX ON orders (reference varchar_pattern_ops);
CREATE INDEX ON customers ((settings ->> 'external'));
CREATE INDEX ON customers USING gin (settings jsonb_path_ops);
CREATE INDEX ON customers (phone);
CREATE INDEX ON customers (email);
CREATE INDEX ON order_lines (sku) INCLUDE (quantity, price);
CREATE INDEX ON customers (country, id) INCLUDE (email);
CREATE INDEX ON orders (customer_id) WHERE status = 'refunded';
