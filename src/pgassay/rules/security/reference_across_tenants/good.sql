-- migration
CREATE TABLE token (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL);
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE TABLE holder (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL);
ALTER TABLE holder ENABLE ROW LEVEL SECURITY;
ALTER TABLE holder FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON holder USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
ALTER TABLE token ADD UNIQUE (tenant_id, id);
ALTER TABLE holder ADD COLUMN token_id bigint NOT NULL,
  ADD FOREIGN KEY (tenant_id, token_id) REFERENCES token (tenant_id, id);
-- expect: none
