-- migration
CREATE TABLE session (id bigint PRIMARY KEY, expires_at integer NOT NULL);
-- expect: style proved
-- static: none
