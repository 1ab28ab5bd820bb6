"""Histories that start in the middle, and histories that need nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.model import Name, Statement
from pgassay.rehearsal.presume import Presumed, presume, tried
from pgassay.rehearsal.presume_errors import attempt
from pgassay.server import Connection, Server
from pgassay.sql import parse
from pgassay.sql.usage import usage


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Connection]:
    with server.database() as name, server.connect(name) as opened:
        yield opened


def history(*files: str) -> tuple[Statement, ...]:
    """Statements of several files, numbered from 5: the first four are lost."""
    return tuple(s for n, text in enumerate(files, 5) for s in parse(text, f"migrations/{n:04}.sql"))


def rehearsed(server: Server, connection: Connection, *files: str) -> Presumed:
    statements = history(*files)
    presumed = presume(server, statements)
    assert presumed.unresolved == ()
    for role in presumed.roles:
        server.admin.run(role)
    for ddl in presumed.statements:
        connection.run(ddl)
    for statement in statements:
        connection.run(statement.text)
    return presumed


def columns(presumed: Presumed, table: str) -> str:
    """What is said of a table."""
    return next(a.text for a in presumed.assumed if a.table == Name("public", table))


def test_a_drizzle_history_without_its_beginning(server: Server, connection: Connection) -> None:
    presumed = rehearsed(
        server,
        connection,
        """
        DO $$ BEGIN CREATE TYPE "public"."kind" AS ENUM('mint', 'burn');
        EXCEPTION WHEN duplicate_object THEN null; END $$;
        CREATE TABLE IF NOT EXISTS "transfers" (
            "id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL, "tokenId" uuid NOT NULL, "kind" "kind" NOT NULL);
        DO $$ BEGIN ALTER TABLE "transfers" ADD CONSTRAINT "transfers_tokenId_tokens_id_fk" FOREIGN KEY ("tokenId")
          REFERENCES "public"."tokens"("id") ON DELETE cascade; EXCEPTION WHEN duplicate_object THEN null; END $$;
        """,
        """
        ALTER TABLE "tokens" ADD COLUMN "totalSupply" numeric(78, 0) DEFAULT '0' NOT NULL;
        ALTER TABLE "tokens" RENAME COLUMN "label" TO "name";
        ALTER TABLE "tokens" ALTER COLUMN "name" SET DATA TYPE varchar(64);
        CREATE INDEX "tokens_name_idx" ON "tokens" USING btree ("name");
        """,
        'ALTER TABLE "tokens" DROP COLUMN "legacy_flag"; ALTER TABLE "transfers" DROP COLUMN "kind"; DROP TYPE "kind";',
    )
    said = columns(presumed, "tokens")
    assert said.startswith("table public.tokens with columns id uuid primary key, label text, legacy_flag boolean")
    assert said.endswith("named by migrations/0005.sql:6 and created by nobody")
    assert len(presumed.assumed) == 1


def test_names_follow_renames(server: Server, connection: Connection) -> None:
    presumed = rehearsed(
        server,
        connection,
        "ALTER TABLE customers RENAME TO clients; ALTER TABLE clients RENAME COLUMN mail TO email;",
        "UPDATE clients SET email = lower(email) WHERE active; CREATE TABLE customers (id int);",
        "ALTER TABLE clients ALTER COLUMN email SET NOT NULL; ALTER TABLE customers DROP COLUMN id;",
    )
    assert columns(presumed, "customers").startswith(
        "table public.customers with columns id bigint primary key, mail text, active boolean:"
    )


def test_an_enum_has_the_labels_that_the_history_uses(server: Server, connection: Connection) -> None:
    rehearsed(
        server,
        connection,
        "ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'open'::order_status;",
        "ALTER TYPE order_status ADD VALUE 'void' AFTER 'paid';",
        "UPDATE orders SET status = 'void' WHERE status = 'failed';",
    )
    assert connection.value("SELECT enum_range(NULL::order_status)") == "{open,paid,void,failed}"


def test_an_enum_is_replaced(server: Server, connection: Connection) -> None:
    rehearsed(
        server,
        connection,
        """
        ALTER TYPE role RENAME TO role_old;
        CREATE TYPE role AS ENUM ('admin', 'user');
        ALTER TABLE users ALTER COLUMN role DROP DEFAULT;
        ALTER TABLE users ALTER COLUMN role TYPE role USING role::text::role;
        ALTER TABLE users ALTER COLUMN role SET DEFAULT 'user';
        DROP TYPE role_old;
        """,
    )


def test_pg_dump_and_psql_preambles(server: Server, connection: Connection) -> None:
    presumed = rehearsed(
        server,
        connection,
        """
        SET statement_timeout = 0; SET client_encoding = 'UTF8';
        SELECT pg_catalog.set_config('search_path', '', false);
        SET default_tablespace = '';
        ALTER TABLE public.users ADD COLUMN nickname character varying(20);
        ALTER TABLE ONLY public.orders ADD CONSTRAINT o FOREIGN KEY (user_id) REFERENCES public.users(id);
        """,
    )
    assert {a.table for a in presumed.assumed} == {Name("public", "users"), Name("public", "orders")}


def test_partitions_from_the_middle(server: Server, connection: Connection) -> None:
    rehearsed(
        server,
        connection,
        "CREATE TABLE events_2026 (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS);",
        "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        "CREATE INDEX ON events (account_id, created_at); ALTER TABLE events DETACH PARTITION events_2026;",
    )


def test_row_security_of_a_hosted_platform(server: Server, connection: Connection) -> None:
    presumed = rehearsed(
        server,
        connection,
        """
        CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, email text);
        ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON profiles FOR SELECT TO authenticated USING ((SELECT auth.uid()) = id);
        CREATE FUNCTION handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN INSERT INTO public.profiles (id, email) VALUES (new.id, new.email); RETURN new; END $$;
        CREATE TRIGGER made AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION handle_new_user();
        CREATE POLICY files ON storage.objects FOR SELECT
          USING (bucket_id = 'x' AND auth.uid()::text = (storage.foldername(name))[1]);
        """,
    )
    assert any(a.object == "role authenticated" for a in presumed.assumed)
    connection.run("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@b.c')")
    assert connection.value("SELECT email FROM profiles") == "a@b.c"


SELF_CONTAINED = Path(__file__).with_name("test_presume_whole.sql").read_text().strip().split("\n\n")[1:]


@pytest.mark.parametrize("sql", SELF_CONTAINED)
def test_a_whole_history_presumes_nothing(server: Server, connection: Connection, sql: str) -> None:
    statements = history(sql)
    assert presume(server, statements) == Presumed()
    assert presume(server, parse(sql, "alone.sql")) == Presumed()
    if "ROLE" not in sql:
        for statement in statements:
            connection.run(statement.text)


WRONG = [
    "CREATE TABLE a (x int); ALTER TABLE a DROP COLUMN y;",
    "CREATE TABLE a (x int); DROP TABLE a; ALTER TABLE a ADD COLUMN y int;",
    "CREATE TABLE a (x int); ALTER TABLE a RENAME x TO y; UPDATE a SET x = 1;",
    "CREATE TYPE m AS ENUM ('a'); DROP TYPE m; CREATE TABLE t (m m);",
    "CREATE TABLE a (x int); ALTER TABLE a RENAME TO b; CREATE INDEX ON a (x);",
    "CREATE TABLE a (x int); DROP TABLE a; DROP TABLE a;",
]


@pytest.mark.parametrize("sql", WRONG)
def test_a_wrong_history_stays_wrong(server: Server, sql: str) -> None:
    assert presume(server, history(sql)).statements == ()


def test_if_exists_counts_in_a_single_file_only(server: Server) -> None:
    sql = "DROP TABLE IF EXISTS users"
    assert presume(server, parse(sql, "-")).assumed != ()
    assert presume(server, history(sql, "SELECT 1")).assumed == ()


def test_what_cannot_be_had_is_said(server: Server) -> None:
    presumed = presume(server, parse("ALTER TABLE places ADD COLUMN at geometry(Point, 4326)", "-"))
    assert [str(u.statement.line) for u in presumed.unresolved] == ["1"]
    assert "geometry" in presumed.unresolved[0].reason


def test_roles_that_exist_are_never_granted(server: Server) -> None:
    presumed = presume(server, parse("ALTER TABLE users OWNER TO pgassay; GRANT SELECT ON users TO app_owner", "-"))
    assert presumed.roles == ()
    assert server.admin.value("SELECT count(*) FROM pg_auth_members WHERE roleid = 'pgassay'::regrole") == "0"


CUT = [(text, cut) for text in SELF_CONTAINED for cut in range(1, len(parse(text, "-")))]


@pytest.mark.parametrize(("text", "cut"), CUT)
def test_a_history_cut_anywhere_can_be_rehearsed(server: Server, session: Connection, text: str, cut: int) -> None:
    statements = parse(text, "-")[cut:]
    presumed = tried(server, session, usage(statements), statements)
    trial = attempt(session, presumed.statements, statements)
    assert trial.refused == []
    assert trial.failed == []
