-- migration
CREATE TABLE event (id bigint PRIMARY KEY, args jsonb NOT NULL);
CREATE INDEX event_args_idx ON event USING gin (args jsonb_path_ops);
CREATE INDEX event_kind_idx ON event ((args ->> 'kind'));
-- workload
SELECT id FROM event WHERE args @> '{"from": "0x00"}';
SELECT id FROM event WHERE args ->> 'kind' = $1;
SELECT args ->> 'kind' FROM event WHERE id = $1;
-- expect: none
