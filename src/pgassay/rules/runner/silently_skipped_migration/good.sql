-- setup
-- 0002_holder.sql, "when": 1700000200000, is deployed.
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration 0003_token
-- Generated anew, "when": 1700000300000: it is pending.
CREATE TABLE token (id bigint PRIMARY KEY);
-- expect: none
