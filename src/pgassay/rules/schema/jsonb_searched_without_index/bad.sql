-- migration
CREATE TABLE event (id bigint PRIMARY KEY, args jsonb NOT NULL);
-- workload
SELECT id FROM event WHERE args @> '{"from": "0x00"}';
-- expect: slows proved
-- static: none
