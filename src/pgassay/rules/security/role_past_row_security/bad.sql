-- migration
CREATE ROLE reporting NOLOGIN BYPASSRLS;
-- expect: exposes computed
