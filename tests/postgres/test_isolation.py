"""What one tenant reaches of another's: a schema that holds, and what each way of opening it shows."""

from __future__ import annotations

import pytest

from pgassay.model import Verdict
from pgassay.rehearsal.isolation import Leak, Proof, Told, prove
from pgassay.rehearsal.isolation.model import NoTenancy
from pgassay.server import Server

ME = "(SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
BASE = f"""
CREATE ROLE shop NOLOGIN;
CREATE TABLE tenant (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE token (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant,
                    symbol text NOT NULL, note text, UNIQUE (tenant_id, symbol), UNIQUE (tenant_id, id));
CREATE TABLE holder (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, token_id bigint NOT NULL, email text,
                     FOREIGN KEY (tenant_id, token_id) REFERENCES token (tenant_id, id));
CREATE TABLE event (tenant_id uuid NOT NULL REFERENCES tenant, block bigint NOT NULL, data jsonb, tags text[])
  PARTITION BY RANGE (block);
CREATE TABLE event_0 PARTITION OF event FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
CREATE TABLE currency (code text PRIMARY KEY);
ALTER TABLE token ENABLE ROW LEVEL SECURITY; ALTER TABLE token FORCE ROW LEVEL SECURITY;
ALTER TABLE holder ENABLE ROW LEVEL SECURITY; ALTER TABLE holder FORCE ROW LEVEL SECURITY;
ALTER TABLE event ENABLE ROW LEVEL SECURITY; ALTER TABLE event FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = {ME});
CREATE POLICY mine ON holder USING (tenant_id = {ME});
CREATE POLICY mine ON event USING (tenant_id = {ME});
GRANT SELECT, INSERT, UPDATE, DELETE ON token, holder, event, currency TO shop;
GRANT USAGE ON SEQUENCE holder_id_seq TO shop;
CREATE VIEW symbols WITH (security_invoker = true) AS SELECT symbol FROM token;
GRANT SELECT ON symbols TO shop;
CREATE FUNCTION mine() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM token';
"""


def proved(server: Server, sql: str, told: Told | None = None, bypass: tuple[str, ...] = ()) -> Proof:
    before = server.roles()
    try:
        with server.database() as name:
            with server.connect(name) as session:
                session.run(sql)
            return prove(server, name, told or Told(), bypass=bypass)
    finally:
        server.drop_roles(server.roles() - before)


def found(proof: Proof) -> list[tuple[str, str]]:
    return sorted((leak.rule, leak.subject) for leak in proof.leaks)


def test_nothing_leaks(server: Server) -> None:
    proof = proved(server, BASE)
    assert not proof.leaks, [leak.message for leak in proof.leaks]
    assert (proof.tables, proof.roles, proof.untried) == (5, ("shop",), ())
    assert proof.tried == proof.held > 60


OPEN_TOKEN = "ALTER TABLE token NO FORCE ROW LEVEL SECURITY; "
NOT_FORCED = ("row-security-not-forced", "public.token")
PLANTED: list[tuple[str, list[tuple[str, str]]]] = [
    ("ALTER TABLE token DISABLE ROW LEVEL SECURITY", [("row-security-disabled", "public.token")]),
    (OPEN_TOKEN, [NOT_FORCED]),
    ("CREATE POLICY all_rows ON token FOR SELECT USING (true)", [("rows-of-other-tenants", "public.token")]),
    ("CREATE POLICY x ON token FOR DELETE USING (note IS NOT NULL)", [("rows-of-other-tenants", "public.token")]),
    ("CREATE POLICY x ON holder FOR UPDATE USING (true)", [("policy-for-everyone", "public.holder")]),
    ("ALTER POLICY mine ON token WITH CHECK (true)", [("policy-for-everyone", "public.token")]),
    ("GRANT TRUNCATE ON holder TO shop", [("truncate-past-row-security", "public.holder")]),
    ("GRANT SELECT ON event_0 TO shop", [("partition-past-row-security", "public.event_0")]),
    ("GRANT DELETE ON event_0 TO shop", [("partition-past-row-security", "public.event_0")]),
    ("CREATE TABLE log (tenant_id uuid NOT NULL, line text); GRANT SELECT ON log TO shop",
     [("row-security-missing", "public.log")]),
    ("CREATE TABLE log (tenant_id uuid NOT NULL, line text); GRANT SELECT (line) ON log TO shop",
     [("row-security-missing", "public.log")]),
    ("CREATE TABLE memo (token_id bigint NOT NULL REFERENCES token, line text); GRANT INSERT ON memo TO shop",
     [("row-security-missing", "public.memo")]),
    ("CREATE TABLE old () INHERITS (token); GRANT UPDATE ON old TO shop",
     [("partition-past-row-security", "public.old")]),
    (OPEN_TOKEN + "CREATE VIEW notes AS SELECT note FROM token; GRANT SELECT ON notes TO shop",
     [NOT_FORCED, ("view-past-row-security", "public.notes")]),
    (OPEN_TOKEN + "CREATE VIEW many AS SELECT count(*) FROM token; GRANT SELECT ON many TO shop",
     [NOT_FORCED, ("view-past-row-security", "public.many")]),
    (OPEN_TOKEN + f"CREATE VIEW own AS SELECT * FROM token WHERE tenant_id = {ME}; GRANT SELECT ON own TO shop",
     [NOT_FORCED, ("view-past-row-security", "public.own")]),
    (OPEN_TOKEN + "CREATE MATERIALIZED VIEW sums AS SELECT tenant_id, count(*) FROM token GROUP BY 1;"
     "GRANT SELECT ON sums TO shop", [NOT_FORCED, ("view-past-row-security", "public.sums")]),
    (OPEN_TOKEN + "CREATE FUNCTION of_token(id bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS"
     " 'SELECT note FROM token t WHERE t.id = $1'",
     [("function-past-row-security", "public.of_token(id bigint)"), NOT_FORCED]),
    (OPEN_TOKEN + "CREATE PROCEDURE wipe(t uuid) LANGUAGE sql SECURITY DEFINER AS"
     " 'DELETE FROM token WHERE tenant_id = t'",
     [("function-past-row-security", "public.wipe(IN t uuid)"), NOT_FORCED]),
    ("GRANT ALL ON SEQUENCE holder_id_seq TO shop", [("sequence-set-by-tenants", "public.holder_id_seq")]),
    ("ALTER TABLE token ADD UNIQUE (symbol)", [("key-across-tenants", "public.token.symbol")]),
    ("CREATE UNIQUE INDEX ON token (symbol, note)", [("key-across-tenants", "public.token")]),
    ("ALTER TABLE holder DROP CONSTRAINT holder_tenant_id_token_id_fkey,"
     " ADD FOREIGN KEY (token_id) REFERENCES token (id)", [("reference-across-tenants", "public.holder.token_id")]),
    ("ALTER TABLE holder ADD COLUMN other bigint REFERENCES token (id)",
     [("reference-across-tenants", "public.holder.other")]),
    ("DROP POLICY mine ON token; CREATE POLICY mine ON token USING (current_setting('app.tenant_id', true) IS NULL"
     f" OR tenant_id = {ME})", [("rows-without-tenant", "public.token")]),
    ("ALTER POLICY mine ON token USING (tenant_id = (SELECT current_setting('app.tenant_id')::uuid))",
     [("rows-without-tenant", "empty 22P02"), ("rows-without-tenant", "unset 42704")]),
    ("CREATE TABLE open (tenant_id uuid NOT NULL, n int); GRANT SELECT ON open TO PUBLIC",
     [("row-security-missing", "public.open")]),
    (OPEN_TOKEN + "CREATE ROLE keeper; GRANT CREATE ON SCHEMA public TO keeper; ALTER TABLE token OWNER TO keeper;"
     "GRANT keeper TO shop", [NOT_FORCED, ("role-past-row-security", "keeper")]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "leaks"), PLANTED, ids=[sql[:60] for sql, _ in PLANTED])
def test_planted(server: Server, sql: str, leaks: list[tuple[str, str]]) -> None:
    proof = proved(server, BASE + sql)
    assert found(proof) == sorted(leaks), [leak.message for leak in proof.leaks]
    assert all(leak.remedy is None or leak.remedy.verified for leak in proof.leaks), [k.remedy for k in proof.leaks]


def test_roles_that_nothing_binds(server: Server) -> None:
    server.admin.run("CREATE ROLE boss NOLOGIN BYPASSRLS; GRANT boss TO app_owner WITH ADMIN OPTION")
    sql = BASE + "GRANT SELECT ON token TO boss; CREATE ROLE clerk; GRANT boss TO clerk; GRANT SELECT ON token TO clerk"
    try:
        proof = proved(server, sql, Told(roles=("clerk",)), bypass=("boss",))
    finally:
        server.drop_roles({"boss"})
    assert found(proof) == [("role-past-row-security", "boss")]


def only(proof: Proof) -> Leak:
    assert len(proof.leaks) == 1, found(proof)
    return proof.leaks[0]


def test_the_statement_shows_it(server: Server) -> None:
    """What a leak shows is a transaction that anybody can run."""
    with server.database() as name:
        with server.connect(name) as session:
            session.run(BASE + "CREATE POLICY all_rows ON holder FOR SELECT USING (true)")
        try:
            leak = only(prove(server, name, Told()))
            with server.connect(name) as session:
                begin, query, rollback = leak.sql.split("\n")
                session.run(begin)
                rows = session.run(query)
                session.run(rollback)
        finally:
            server.drop_roles({"shop"})
    assert len(rows) == 4
    assert leak.verdict is Verdict.EXPOSES
    assert leak.seen == "4 rows of tenant B"


MEMBERS = """
CREATE ROLE member NOLOGIN;
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
CREATE TABLE account (id uuid PRIMARY KEY, email text);
CREATE TABLE org (id bigserial PRIMARY KEY, name text);
CREATE TABLE membership (org_id bigint NOT NULL REFERENCES org, user_id uuid NOT NULL REFERENCES account,
                         PRIMARY KEY (org_id, user_id));
CREATE TABLE asset (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, name text);
ALTER TABLE account ENABLE ROW LEVEL SECURITY; ALTER TABLE account FORCE ROW LEVEL SECURITY;
ALTER TABLE org ENABLE ROW LEVEL SECURITY; ALTER TABLE org FORCE ROW LEVEL SECURITY;
ALTER TABLE membership ENABLE ROW LEVEL SECURITY; ALTER TABLE membership FORCE ROW LEVEL SECURITY;
ALTER TABLE asset ENABLE ROW LEVEL SECURITY; ALTER TABLE asset FORCE ROW LEVEL SECURITY;
CREATE POLICY me ON account USING (id = (SELECT auth.uid()));
CREATE POLICY mine ON membership FOR SELECT USING (user_id = (SELECT auth.uid()));
CREATE POLICY mine ON org FOR SELECT USING (id IN (SELECT org_id FROM membership WHERE user_id = (SELECT auth.uid())));
CREATE POLICY mine ON asset USING (org_id IN (SELECT m.org_id FROM membership m WHERE m.user_id = (SELECT auth.uid())));
GRANT USAGE ON SCHEMA auth TO member;
GRANT SELECT, INSERT, UPDATE, DELETE ON account, org, membership, asset TO member;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO member;
"""


def test_members_of_organisations(server: Server) -> None:
    """The session names a user, rows belong to organisations, and a table between them says who is where."""
    assert not proved(server, MEMBERS).leaks
    leak = only(proved(server, MEMBERS + "CREATE POLICY named ON asset FOR SELECT USING (name IS NOT NULL)"))
    assert (leak.rule, leak.subject) == ("rows-of-other-tenants", "public.asset")


def test_roles_as_tenants(server: Server) -> None:
    sql = """
    CREATE ROLE staff NOLOGIN;
    CREATE TABLE doc (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner name NOT NULL, body text);
    ALTER TABLE doc ENABLE ROW LEVEL SECURITY; ALTER TABLE doc FORCE ROW LEVEL SECURITY;
    CREATE POLICY mine ON doc USING (owner = current_user);
    GRANT SELECT, INSERT, UPDATE, DELETE ON doc TO staff;"""
    assert not proved(server, sql).leaks
    leak = only(proved(server, sql + "ALTER POLICY mine ON doc WITH CHECK (body IS NOT NULL)"))
    assert leak.subject == "public.doc"


def test_told(server: Server) -> None:
    """A schema that says nothing: the user does."""
    sql = "CREATE ROLE app; CREATE TABLE t (id bigserial PRIMARY KEY, customer int NOT NULL); GRANT SELECT ON t TO app;"
    with pytest.raises(NoTenancy):
        proved(server, sql)
    assert only(proved(server, sql, Told(columns=("customer",)))).rule == "row-security-missing"
    assert not proved(server, BASE + "CREATE POLICY x ON event FOR SELECT USING (true)", Told(shared=("event",))).leaks


def test_nobody_but_the_owner(server: Server) -> None:
    """Without any grant the application must be the owner, and a role of ours is tried beside it."""
    sql = f"""CREATE TABLE t (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL);
    ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (tenant_id = {ME});"""
    proof = proved(server, sql)
    assert only(proof).rule == "row-security-not-forced"
    assert "no role but the owner" in proof.notes[0]


def test_no_role_stays(server: Server) -> None:
    proved(server, BASE)
    assert not {role for role in server.roles() if role.startswith("pgassay_")}


def test_amounts_behind_a_domain_get_rows(server: Server) -> None:
    """A uint256 as designs write it: a numeric without modifiers that has no decimals."""
    domain = "CREATE DOMAIN uint256 AS numeric CHECK (VALUE >= 0 AND VALUE < 2 ^ 256::numeric AND scale(VALUE) = 0);"
    proof = proved(server, domain + BASE + "ALTER TABLE holder ADD COLUMN amount uint256 NOT NULL;")
    assert not proof.leaks
    assert not proof.untried
