-- setup
CREATE TABLE lockup (id bigint PRIMARY KEY, span int8range NOT NULL);
-- migration
ALTER TABLE lockup ADD CONSTRAINT lockup_span_excl EXCLUDE USING gist (span WITH &&) WHERE (id < 0);
-- expect: blocks proved
