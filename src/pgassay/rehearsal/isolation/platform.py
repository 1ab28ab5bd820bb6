"""What a platform has before the first migration, where a project leans on it: Supabase's functions and privileges."""

from __future__ import annotations

from pgassay.model import quote
from pgassay.server import Connection, Server, StatementError
from pgassay.sql.queries import queries

_ROLES = ("anon", "authenticated")  # service_role is bound by no policy, and not for tenants


def stand_in(server: Server, session: Connection, *, supabase: bool) -> list[str]:
    """Give ``auth.uid()`` and its like the bodies that they have there, and the roles their privileges where the
    project is Supabase's. Works as the owner of what was assumed in their stead. Returns what was done, in words."""
    notes = []
    if supabase:
        for role in _ROLES:
            if role not in server.roles():
                server.make_roles([role]) if server.major < 16 else session.run(f"CREATE ROLE {role} NOLOGIN")
    assumed = {
        row[0]
        for row in session.run(
            "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'auth'"
            " AND pronargs = 0 AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')"
            " AND prosrc = 'BEGIN RETURN NULL; END'"
        )
    }
    for statement in queries(__package__, "supabase.sql")["functions"].split(";\n"):
        name = statement.split("auth.")[1].split("(")[0]
        if name in assumed:
            try:
                session.run(f"BEGIN; {statement}; COMMIT")
                notes.append(f"auth.{name}()")
            except StatementError:
                session.run("ROLLBACK")
    if supabase:
        listed = ", ".join(map(quote, _ROLES))
        session.run(f"GRANT USAGE ON SCHEMA public TO {listed}")
        session.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {listed}")
        session.run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {listed}")
        if assumed:
            session.run(f"GRANT USAGE ON SCHEMA auth TO {listed}")
    words = [f"taken to be as on Supabase: {', '.join(notes)}"] if notes else []
    if supabase:
        words.append(f"{', '.join(_ROLES)} were given the rows of schema public, as Supabase does by default")
    return words
