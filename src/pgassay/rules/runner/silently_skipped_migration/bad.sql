-- setup
-- 0002_holder.sql, "when": 1700000200000, is deployed.
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration 0001_token
-- Merged later, with an older "when": 1700000100000. drizzle-kit never runs it, and exits with 0.
CREATE TABLE token (id bigint PRIMARY KEY);
-- expect: breaks-app computed
-- static: none
