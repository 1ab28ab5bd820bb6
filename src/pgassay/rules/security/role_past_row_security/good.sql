-- migration
CREATE ROLE reporting NOLOGIN NOBYPASSRLS;
-- expect: none
