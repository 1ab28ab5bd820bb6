-- migration
CREATE TABLE event (tenant_id text NOT NULL, block bigint NOT NULL) PARTITION BY RANGE (block);
CREATE TABLE event_0 PARTITION OF event FOR VALUES FROM (0) TO (1000);
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
ALTER TABLE event FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON event USING (tenant_id = (SELECT current_setting('app.tenant_id', true)));
GRANT SELECT ON event TO PUBLIC;
-- expect: none
