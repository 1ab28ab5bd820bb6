-- setup
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration
DROP TABLE IF EXISTS investor;
CREATE TABLE IF NOT EXISTS holder (id bigint PRIMARY KEY);
-- expect: none
