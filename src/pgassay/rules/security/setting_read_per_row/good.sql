-- migration
CREATE TABLE token (id bigint PRIMARY KEY, tenant_id text NOT NULL);
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = (SELECT current_setting('app.tenant_id', true)));
CREATE TABLE owned (id bigint PRIMARY KEY, owner name NOT NULL);
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
ALTER TABLE owned FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON owned USING (owner = current_user);
-- expect: none
