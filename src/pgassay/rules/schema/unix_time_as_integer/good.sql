-- migration
CREATE TABLE session (id bigint PRIMARY KEY, expires_at timestamptz NOT NULL, timeout integer, cook_time integer);
-- expect: none
