-- migration
CREATE TABLE token (id bigint PRIMARY KEY, tenant_id text NOT NULL);
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = current_setting('app.tenant_id', true));
-- expect: slows proved
-- static: none
