-- setup
CREATE TABLE transfer (id bigint PRIMARY KEY, memo text NOT NULL);
-- migration
ALTER TABLE transfer ALTER COLUMN memo TYPE integer USING memo::integer;
-- expect: fails computed
-- static: none
