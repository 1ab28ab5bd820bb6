"""Row-level security of a design: who owns which rows, as data in, SQL statements out. Pure functions.

    tenancy = Tenancy(mode="tenant", roles=Roles("registry_owner", "registry_writer", "registry_reader"), tables=(
        Secured(name=Name("public", "tenants"), column="id", writes="none"),
        Secured(name=Name("public", "tokens"), column="tenant_id", indexed=True),
        Secured(name=Name("public", "token_notes"), via=Link(("token_id",), Name("public", "tokens"), ("id",))),
        Secured(name=Name("public", "blocks"), writes="append")), views=(Name("public", "token_list"),))
    before = foundation(tenancy)     # roles, schema auth, auth.tenant_id(): run before the tables are created
    after = row_security(tenancy)    # policies, privileges, indexes: run after the tables and views exist

Both are a ``Part``: statements forward, and back in the order to run. No statement ends in a semicolon.

What the caller sees to, since it creates the tables:

- the policy column is ``column_type`` NOT NULL with ``default(tenancy)``: then an INSERT need not name it;
- a unique key of a tenant's table begins with the policy column (``scoped``): else a duplicate tells one tenant what
  another has;
- a foreign key from one tenant's table to another holds the policy column on both sides, or is named in ``links``: its
  check runs past row security, and would tell which keys others have;
- indexes of keyset listings begin with the policy column, and then ``indexed=True`` spares one of its own;
- a partition made later is closed as ``closed`` says, for row security is the table's that a query names.

FORCE binds the owner too: a migration that changes rows sees none unless it names the tenant, or runs under a role with
BYPASSRLS. ``COPY … FROM`` is refused on tables with row security: load with INSERT … SELECT FROM unnest(…).

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies"; CREATE POLICY; CREATE VIEW, security_invoker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pgassay.chain.model import Part
from pgassay.model import Name, literal, quote
from pgassay.sql.queries import queries

Writes = Literal["all", "append", "none"]
_MOST = 63  # bytes of an identifier


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the three roles, which cannot log in: ``owner`` owns the tables, ``writer`` changes rows, ``reader``
    reads them. The application's own role is made a member of one of the latter."""

    owner: str
    writer: str
    reader: str


@dataclass(frozen=True, slots=True)
class Link:
    """``columns`` hold a key (``referenced``) of ``parent``, which is among the secured tables. ``nullable``: they may
    be NULL, and then refer to nothing; as ``via`` such a row is nobody's, and not seen."""

    columns: tuple[str, ...]
    parent: Name
    referenced: tuple[str, ...]
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """A table and whose its rows are: the tenant's of its policy ``column``, or of the parent that ``via`` finds; with
    neither they are everybody's, who may read them all.

    ``links``: parents that a row may refer to only if they are its tenant's. ``writes``: what the writer may do;
    ``append`` is SELECT and INSERT. ``indexed``: an index leads with ``column`` already. ``partitions`` are closed to
    direct access, ``sequences`` are those that the writer draws from (an identity column's needs no privilege).
    """

    name: Name
    column: str | None = None
    via: Link | None = None
    links: tuple[Link, ...] = ()
    writes: Writes = "all"
    indexed: bool = False
    partitions: tuple[Name, ...] = ()
    sequences: tuple[Name, ...] = ()

    @property
    def shared(self) -> bool:
        """Whether its rows belong to nobody."""
        return self.column is None and self.via is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """Who owns rows: a user (``owner``) or a tenant. The application names it in a setting of its session, best by
    ``SET LOCAL`` in each transaction; where it is missing or empty there are no rows. ``hand_over``: the tables become
    the owner role's; else they stay whose they are."""

    mode: Literal["owner", "tenant"]
    roles: Roles
    tables: tuple[Secured, ...]
    views: tuple[Name, ...] = ()
    schema: str = "auth"
    column_type: str = "uuid"
    hand_over: bool = True

    @property
    def setting(self) -> str:
        """The session setting: ``app.user_id`` or ``app.tenant_id``."""
        return "app.user_id" if self.mode == "owner" else "app.tenant_id"

    @property
    def function(self) -> Name:
        """The function over it: ``auth.user_id`` or ``auth.tenant_id``."""
        return Name(self.schema, "user_id" if self.mode == "owner" else "tenant_id")


def default(tenancy: Tenancy) -> str:
    """The policy column's DEFAULT."""
    return f"{tenancy.function}()"


def scoped(columns: Sequence[str], column: str | None) -> tuple[str, ...]:
    """A unique key's columns for a table with this policy column: it comes first."""
    return tuple(columns) if column is None or column in columns else (column, *columns)


def foundation(tenancy: Tenancy) -> Part:
    """The roles where they are missing, and the function that reads the setting: STABLE, and bound to what it calls
    when it is created. Its result is NULL where nothing is set."""
    sql = queries("pgassay.chain", "tenancy.sql")
    roles = tenancy.roles
    schema, function = quote(tenancy.schema), f"{tenancy.function}()"
    everyone = ", ".join(map(quote, _distinct(roles)))
    forward = [_filled(sql["role"], role) for role in _distinct(roles)]
    if tenancy.hand_over:
        forward.append(_filled(sql["join"], roles.owner))
    forward += [
        f"CREATE SCHEMA IF NOT EXISTS {schema}",
        f"CREATE FUNCTION {function} RETURNS {tenancy.column_type} LANGUAGE sql STABLE PARALLEL SAFE\n"
        f"  RETURN nullif(current_setting({literal(tenancy.setting)}, true), '')::{tenancy.column_type}",
        f"COMMENT ON FUNCTION {function} IS {literal(_comment(tenancy))}",
        f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {schema} TO {everyone}",
        f"GRANT EXECUTE ON FUNCTION {function} TO {everyone}",
    ]
    back = [
        f"REVOKE ALL ON SCHEMA {schema} FROM {everyone}",
        f"DROP FUNCTION {function}",
        sql["no_schema"].format(schema=schema, text=literal(tenancy.schema)),
        *(_filled(sql["no_role"], role) for role in reversed(_distinct(roles))),
    ]
    return Part(name="tenancy", forward=tuple(forward), back=tuple(back))


def row_security(tenancy: Tenancy) -> Part:
    """Policies for each command, ENABLE and FORCE, privileges, indexes on policy columns, views under their reader's
    rights. Raises ValueError where a parent is not among the secured tables, or is everybody's."""
    forward: list[str] = []
    back: list[str] = []
    roles = tenancy.roles
    everyone = ", ".join(map(quote, _distinct(roles)))
    for schema in sorted({t.name.schema for t in tenancy.tables if t.name.schema}):
        forward.append(f"GRANT USAGE ON SCHEMA {quote(schema)} TO {everyone}")
        back.append(f"REVOKE ALL ON SCHEMA {quote(schema)} FROM {everyone}")
        if tenancy.hand_over:  # who becomes a table's owner must be able to create one there
            forward.append(f"GRANT CREATE ON SCHEMA {quote(schema)} TO {quote(roles.owner)}")
    for table in tenancy.tables:
        ahead, behind = _table(tenancy, table)
        forward += ahead
        back += behind
    for view in tenancy.views:
        ahead = [f"ALTER VIEW {view} SET (security_invoker = true)"]
        ahead.append(f"GRANT SELECT ON {view} TO {', '.join(map(quote, dict.fromkeys((roles.writer, roles.reader))))}")
        behind = [f"ALTER VIEW {view} RESET (security_invoker)", f"REVOKE ALL ON {view} FROM {everyone}"]
        if tenancy.hand_over:
            ahead.append(f"ALTER VIEW {view} OWNER TO {quote(roles.owner)}")
            behind.append(f"ALTER VIEW {view} OWNER TO CURRENT_USER")
        forward += ahead
        back += reversed(behind)
    return Part(name="row_security", forward=tuple(forward), back=tuple(back))


def closed(partition: Name) -> tuple[str, ...]:
    """Statements that close a partition to whoever names it instead of its table, its owner included."""
    return (f"ALTER TABLE {partition} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {partition} FORCE ROW LEVEL SECURITY")


def _table(tenancy: Tenancy, table: Secured) -> tuple[list[str], list[str]]:
    """One table's statements, forward and (in the order to run) back."""
    roles, name = tenancy.roles, table.name
    ahead: list[str] = []
    behind: list[str] = []
    if not table.shared:
        if table.column is not None and not table.indexed:
            index = index_name(name, table.column)
            ahead.append(f"CREATE INDEX {quote(index)} ON {name} ({quote(table.column)})")
            ahead.append(f"COMMENT ON INDEX {Name(name.schema, index)} IS 'the policies look rows up by it'")
            behind.append(f"DROP INDEX {Name(name.schema, index)}")
        for policy, statement in _policies(tenancy, table):
            ahead.append(statement)
            behind.append(f"DROP POLICY {policy} ON {name}")
        for each in (name, *table.partitions):
            ahead += closed(each)
            behind.append(f"ALTER TABLE {each} DISABLE ROW LEVEL SECURITY")
            behind.append(f"ALTER TABLE {each} NO FORCE ROW LEVEL SECURITY")
    privileges = {"all": "SELECT, INSERT, UPDATE, DELETE", "append": "SELECT, INSERT", "none": "SELECT"}[table.writes]
    ahead.append(f"GRANT {privileges} ON {name} TO {quote(roles.writer)}")
    if roles.reader != roles.writer:
        ahead.append(f"GRANT SELECT ON {name} TO {quote(roles.reader)}")
    others = ", ".join(map(quote, dict.fromkeys((roles.writer, roles.reader))))
    behind.append(f"REVOKE ALL ON {name} FROM {others}")
    for sequence in table.sequences if table.writes != "none" else ():
        ahead.append(f"GRANT USAGE ON SEQUENCE {sequence} TO {quote(roles.writer)}")
        behind.append(f"REVOKE ALL ON SEQUENCE {sequence} FROM {others}")
    if tenancy.hand_over:
        for each in (name, *table.partitions):
            ahead.append(f"ALTER TABLE {each} OWNER TO {quote(roles.owner)}")
            behind.append(f"ALTER TABLE {each} OWNER TO CURRENT_USER")
    return ahead, behind[::-1]


def _policies(tenancy: Tenancy, table: Secured) -> Iterable[tuple[str, str]]:
    """A policy for each command: its name and its statement. The owner is bound by them as everybody else is."""
    roles = tenancy.roles
    readers = ", ".join(map(quote, _distinct(roles)))
    writers = ", ".join(map(quote, dict.fromkeys((roles.owner, roles.writer))))
    mine = _condition(tenancy, table)
    links = [_held(tenancy, link) for link in table.links]
    checked = " AND ".join([mine, *links]) if links else mine
    on = f"ON {table.name} FOR"
    yield "mine_read", f"CREATE POLICY mine_read {on} SELECT TO {readers} USING ({mine})"
    yield "mine_insert", f"CREATE POLICY mine_insert {on} INSERT TO {writers} WITH CHECK ({checked})"
    yield "mine_update", f"CREATE POLICY mine_update {on} UPDATE TO {writers} USING ({mine}) WITH CHECK ({checked})"
    yield "mine_delete", f"CREATE POLICY mine_delete {on} DELETE TO {writers} USING ({mine})"


def _condition(tenancy: Tenancy, table: Secured) -> str:
    """Whether a row is the session's. The sub-select makes PostgreSQL read the setting once a statement."""
    if table.column is not None:
        return f"{quote(table.column)} = (SELECT {tenancy.function}())"
    assert table.via is not None
    return _held(tenancy, replace(table.via, nullable=False))


def _held(tenancy: Tenancy, link: Link) -> str:
    """Whether a key that a row holds is the session's: a sub-select that is read once a statement as well."""
    parent = next((t for t in tenancy.tables if t.name == link.parent), None)
    if parent is None or parent.shared:
        raise ValueError(f"{link.parent} has no owner that {', '.join(link.columns)} could lead to")
    own = ", ".join(map(quote, link.columns))
    held = f"({own})" if len(link.columns) > 1 else own
    keys = ", ".join(map(quote, link.referenced))
    found = f"{held} IN (SELECT {keys} FROM {link.parent} WHERE {_condition(tenancy, parent)})"
    if not link.nullable:
        return found
    return f"({' OR '.join(f'{quote(c)} IS NULL' for c in link.columns)} OR {found})"


def index_name(table: Name, column: str) -> str:
    """``TABLE_COLUMN_mine``, within 63 bytes and told apart from others that begin alike."""
    whole = f"{table.name}_{column}_mine"
    if len(whole.encode()) <= _MOST:
        return whole
    mark = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return whole.encode()[: _MOST - 14].decode(errors="ignore") + f"_{mark}_mine"


def _filled(template: str, role: str) -> str:
    return template.format(role=quote(role), text=literal(role), quoted=literal(quote(role)))


def _distinct(roles: Roles) -> list[str]:
    return list(dict.fromkeys((roles.owner, roles.writer, roles.reader)))


def _comment(tenancy: Tenancy) -> str:
    who = "user" if tenancy.mode == "owner" else "tenant"
    return f"The {who} of this session: the setting {tenancy.setting}, or NULL, and then no rows are seen."
