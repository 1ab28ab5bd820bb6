-- migration
CREATE TABLE token (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL, symbol text,
                    UNIQUE (tenant_id, symbol));
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
-- expect: none
