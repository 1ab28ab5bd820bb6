-- setup
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration
CREATE TABLE trade (id bigint PRIMARY KEY, holder_id bigint REFERENCES holder (id));
-- expect: slows computed
