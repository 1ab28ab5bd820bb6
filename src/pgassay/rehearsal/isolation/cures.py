"""Causes and cures: which rule explains that a try reached the other's rows, and the SQL that ends it."""

from __future__ import annotations

from pgassay.catalog import Constraint, Index, Policy, Table
from pgassay.catalog.sessions import Source
from pgassay.model import Name, literal, quote
from pgassay.rehearsal.isolation.ground import Ground, Held
from pgassay.rehearsal.isolation.model import Actor, Domain
from pgassay.rehearsal.isolation.tables import Try

_WRITES = {"INSERT": "insert", "UPDATE": "update", "DELETE": "delete", "MERGE": "update", "SELECT": "select"}


def cause(ground: Ground, actor: Actor, held: Held, what: Try) -> str:
    """The id of the rule that explains it."""
    table = held.table
    if actor.kind == "tenant" and acts_as_owner(ground, actor.role, table):
        return "role-past-row-security"
    if what.command == "TRUNCATE":
        return "truncate-past-row-security"
    if not table.row_security:
        above = table.partition_of or next(iter(table.inherits), None)
        over = ground.tenancy.catalog.table(above) if above else None
        if over and over.row_security:
            return "partition-past-row-security"
        return "row-security-disabled" if table.policies else "row-security-missing"
    if actor.kind == "bypass":
        return "role-past-row-security"
    if actor.kind == "owner":
        return "row-security-not-forced"
    if actor.kind == "stranger":
        return "privileges-for-public"
    command = _WRITES.get(what.command.split()[0], "all")
    if any(_always(p) for p in table.policies if p.command.lower() in ("all", command)):
        return "policy-for-everyone" if command != "select" else "rows-of-other-tenants"
    return "rows-of-other-tenants"


def acts_as_owner(ground: Ground, role: str, table: Table) -> bool:
    """Whether the role inherits the owner's rights."""
    found = ground.bench.session.value(
        f"SELECT pg_has_role({literal(role)}, relowner, 'USAGE') FROM pg_class"
        f" WHERE oid = {literal(str(table.name))}::regclass"
    )
    return found == "t"


def cure(ground: Ground, rule: str, held: Held, actor: Actor) -> str | None:
    """SQL that ends it; None where only people know."""
    table = held.table
    match rule:
        case "truncate-past-row-security":
            return f"REVOKE TRUNCATE ON {table.name} FROM {_grantee(table, actor.role, 'TRUNCATE')};"
        case "row-security-missing":
            condition = condition_of(ground, held)
            if condition is None:
                return None
            return (
                f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;\n"
                f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY;\n"
                f"CREATE POLICY mine ON {table.name} FOR ALL USING ({condition}) WITH CHECK ({condition});"
            )
        case "partition-past-row-security" | "row-security-disabled":
            return "\n".join(f"ALTER TABLE {table.name} {word} ROW LEVEL SECURITY;" for word in ("ENABLE", "FORCE"))
        case "role-past-row-security":
            return f"REVOKE {quote(table.owner)} FROM {quote(actor.role)};"
        case "row-security-not-forced":
            return f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY;"
        case "privileges-for-public":
            return f"REVOKE ALL ON {table.name} FROM PUBLIC;"
        case "policy-for-everyone" | "rows-of-other-tenants" | "rows-without-tenant":
            condition = condition_of(ground, held)
            if condition is None:
                return None
            return (
                f"CREATE POLICY only_mine ON {table.name} AS RESTRICTIVE FOR ALL"
                f" USING ({condition}) WITH CHECK ({condition});"
            )
    return None


def condition_of(ground: Ground, held: Held) -> str | None:
    """Whether a row is the session's, with the setting read once a statement."""
    owned = held.owned
    if owned.columns:
        for column, domain in owned.columns:
            known = owned.table.column(column)
            if known is not None and (told := expression(ground, domain, known.base)) is not None:
                return f"{quote(column)} = {told}"
        return _as_its_parent(ground, held)
    assert owned.via is not None
    keys, referenced = ", ".join(map(quote, owned.via.columns)), ", ".join(map(quote, owned.via.referenced_columns))
    held_keys = f"({keys})" if len(owned.via.columns) > 1 else keys
    return f"{held_keys} IN (SELECT {referenced} FROM {owned.parent})"


def _as_its_parent(ground: Ground, held: Held) -> str | None:
    """Through a table of the same domain whose own policies decide, such as the list of members."""
    for column, domain in held.owned.columns:
        for other in ground.tenancy.owned.values():
            for name, same in other.columns:
                direct = other.table.row_security and other.table.name != held.table.name
                if (
                    direct
                    and same == domain
                    and any(expression(ground, d, "text") for _, d in other.columns if d != domain)
                ):
                    return f"{quote(column)} IN (SELECT {quote(name)} FROM {other.table.name})"
    return None


def expression(ground: Ground, domain: Domain, base: str) -> str | None:
    """The session's value in a domain, as a sub-select that is evaluated once."""
    sources = [s for s, d in ground.tenancy.sources.items() if d == domain]
    for routine in ground.tenancy.catalog.routines:
        if sources and not routine.arguments and routine.result == base and mentions_only(routine.definition, sources):
            return f"(SELECT {routine.name}())"
    for source in sources:
        if not source.setting:
            return "(SELECT CURRENT_USER)"
        told = f"nullif(current_setting('{source.setting}', true), '')"
        if source.path:
            steps = "".join(f" -> '{s}'" for s in source.path[:-1]) + f" ->> '{source.path[-1]}'"
            told = f"({told}::jsonb{steps})"
        return f"(SELECT {told}::{base})"
    return None


def mentions_only(definition: str, sources: list[Source]) -> bool:
    """Whether a function reads one of these settings, and looks like nothing else: no table, no other setting."""
    reads_one = any(f"'{s.setting}'" in definition and all(f"'{p}'" in definition for p in s.path) for s in sources)
    return reads_one and " from " not in definition.lower() and definition.lower().count("current_setting(") <= 2


def key_cure(held: Held, key: Index) -> str:
    """A unique key within the tenant."""
    column = held.owned.column
    table = held.table.name
    columns = ", ".join(quote(c) for c in (column, *key.columns) if c is not None)
    if column is None:
        return ""
    if key.constraint and not key.primary:
        return (
            f"ALTER TABLE {table} DROP CONSTRAINT {quote(key.constraint)};\n"
            f"ALTER TABLE {table} ADD CONSTRAINT {quote(key.constraint)} UNIQUE ({columns});"
        )
    if key.primary:
        return (
            f"ALTER TABLE {table} DROP CONSTRAINT {quote(key.constraint or key.name)};\n"
            f"ALTER TABLE {table} ADD PRIMARY KEY ({columns});"
        )
    where = f" WHERE {key.where}" if key.where else ""
    return f"DROP INDEX {table.named(key.name)};\nCREATE UNIQUE INDEX {quote(key.name)} ON {table} ({columns}){where};"


def reference_cure(ground: Ground, held: Held, link: Constraint) -> str:
    """A foreign key within the tenant, or a policy that asks for the parent where there is no tenant's column."""
    table, parent = held.table.name, link.references
    assert parent is not None
    above = ground.tenancy.owned[parent]
    own, theirs = held.owned.column, above.column
    columns, referenced = ", ".join(map(quote, link.columns)), ", ".join(map(quote, link.referenced_columns))
    if own and theirs and held.owned.columns[0][1] == above.columns[0][1] and theirs not in link.referenced_columns:
        return (
            f"ALTER TABLE {parent} ADD UNIQUE ({quote(theirs)}, {referenced});\n"
            f"ALTER TABLE {table} DROP CONSTRAINT {quote(link.name)};\n"
            f"ALTER TABLE {table} ADD CONSTRAINT {quote(link.name)} FOREIGN KEY ({quote(own)}, {columns})"
            f" REFERENCES {parent} ({quote(theirs)}, {referenced});"
        )
    keys = f"({columns})" if len(link.columns) > 1 else columns
    empty = " OR ".join(f"{quote(c)} IS NULL" for c in link.columns)
    condition = f"{empty} OR {keys} IN (SELECT {referenced} FROM {parent})"
    name = f"{link.name[:50]}_mine"
    return (
        f"CREATE POLICY {quote(name + '_insert')} ON {table} AS RESTRICTIVE FOR INSERT WITH CHECK ({condition});\n"
        f"CREATE POLICY {quote(name + '_update')} ON {table} AS RESTRICTIVE FOR UPDATE USING (true)"
        f" WITH CHECK ({condition});"
    )


def _always(policy: Policy) -> bool:
    return policy.permissive and "true" in ((policy.using or "").strip("()"), (policy.check or "").strip("()"))


def _grantee(table: Table, role: str, privilege: str) -> str:
    holders = [g.grantee for g in table.grants if privilege in g.privileges]
    chosen = role if role in holders else "PUBLIC" if "PUBLIC" in holders else next(iter(holders), role)
    return chosen if chosen == "PUBLIC" else quote(chosen)


def tables_of(names: list[Name]) -> str:
    """A few names, and how many more."""
    shown = ", ".join(map(str, names[:4]))
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")
