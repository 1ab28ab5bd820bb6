-- setup
CREATE TABLE holder (id bigint PRIMARY KEY);
-- migration
CREATE TABLE lockup (id bigint PRIMARY KEY, span int8range NOT NULL);
ALTER TABLE lockup ADD CONSTRAINT lockup_span_excl EXCLUDE USING gist (span WITH &&);
-- expect: none
