-- setup
CREATE TABLE holder (id bigint PRIMARY KEY);
CREATE TABLE trade (id bigint PRIMARY KEY, holder_id bigint REFERENCES holder (id));
-- migration
DROP TABLE holder;
-- expect: fails proved
-- static: none
