-- setup
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration
CREATE TABLE trade (id bigint PRIMARY KEY, holder_id bigint REFERENCES holder (id));
CREATE INDEX trade_holder_idx ON trade (holder_id, id);
-- expect: none
