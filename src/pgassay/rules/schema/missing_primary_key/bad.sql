-- migration
CREATE TABLE reading (sensor bigint NOT NULL, at timestamptz NOT NULL, celsius real);
CREATE INDEX reading_sensor_idx ON reading (sensor, at);
-- expect: style computed
-- static: none
