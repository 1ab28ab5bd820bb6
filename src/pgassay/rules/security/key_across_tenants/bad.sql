-- migration
CREATE TABLE token (id bigint PRIMARY KEY, tenant_id uuid NOT NULL);
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
ALTER TABLE token ADD COLUMN symbol text UNIQUE;
-- expect: exposes computed
-- static: none
