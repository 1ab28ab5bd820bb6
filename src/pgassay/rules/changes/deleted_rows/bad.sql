-- setup
CREATE TABLE session (id bigint PRIMARY KEY, token text NOT NULL);
-- migration
DELETE FROM session;
-- expect: loses-data proved
