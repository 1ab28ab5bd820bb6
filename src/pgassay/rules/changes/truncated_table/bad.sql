-- setup
CREATE TABLE session (id bigint PRIMARY KEY, token text NOT NULL);
-- migration
TRUNCATE session;
-- expect: loses-data proved
