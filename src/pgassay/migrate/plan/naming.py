"""Tables, views and types that change their names or schemas: the old name stays as a view (or a domain)."""

from __future__ import annotations

from pgassay.catalog import Table
from pgassay.catalog.model import View
from pgassay.migrate.plan.model import Rewritten, Scene
from pgassay.model import Name, quote
from pgassay.model.actions import MoveSchema, Rename

_RELATIONS = {"table", "view", "materialized view"}


def moved(scene: Scene, action: Rename | MoveSchema) -> Rewritten | None:
    """RENAME TO and SET SCHEMA of a table or a view."""
    if action.kind not in _RELATIONS:
        return None
    if isinstance(action, Rename):
        old = action.old.within("public")
        new = old.named(action.new)
    else:
        old = action.name.within("public")
        new = Name(action.schema, old.name)
    table, view = scene.table(old), scene.view(old)
    thing: Table | View | None = table or view
    if thing is None or (table is not None and not scene.stands(old)):
        return None
    rights = " WITH (security_invoker = true)" if scene.major >= 15 and table is not None else ""
    grants = [
        f"GRANT {', '.join(g.privileges)} ON {old} TO {'PUBLIC' if g.grantee == 'PUBLIC' else quote(g.grantee)}"
        for g in thing.grants
        if not g.columns
    ]
    columns = ", ".join(quote(c.name) for c in thing.columns)
    note = f"{old} is a view until then: it cannot be truncated, locked by row in a join that groups, or pointed at"
    return Rewritten(
        steps=[
            scene.step(
                f"switch {old.name} to {new.name}", scene.text,
                f"CREATE VIEW {old}{rights} AS SELECT {columns} FROM {new}", *grants,
                phase="switch", locks=(old,),
                why=f"the old name stays, as a view through which the old application reads and writes {new}",
                back=(f"DROP VIEW IF EXISTS {old}", _back(action, old, new)),
            ),
            scene.step(
                f"contract {old.name}", f"DROP VIEW {old}", phase="contract",
                why=f"nothing uses {old} any more", back=(f"CREATE VIEW {old}{rights} AS SELECT {columns} FROM {new}",),
            ),
        ],
        notes=[note] if table is not None else [],
    )  # fmt: skip


def renamed_type(scene: Scene, action: Rename) -> Rewritten | None:
    """RENAME TO of a type: the old name stays as a domain over the new one."""
    if action.kind not in ("type", "domain"):
        return None
    old = action.old.within("public")
    new = old.named(action.new)
    before = scene.seen.before
    if all(e.name != old for e in before.enums) and all(d.name != old for d in before.domains):
        return None
    return Rewritten(
        steps=[
            scene.step(
                f"switch {old.name} to {new.name}", scene.text, f"CREATE DOMAIN {old} AS {new}", phase="switch",
                why=f"casts to {old} go on working: a domain has the old name",
                back=(f"DROP DOMAIN IF EXISTS {old}", f"ALTER TYPE {new} RENAME TO {quote(old.name)}"),
            ),
            scene.step(
                f"contract {old.name}", f"DROP DOMAIN {old}", phase="contract", why=f"nothing uses {old} any more",
                back=(f"CREATE DOMAIN {old} AS {new}",),
            ),
        ]
    )  # fmt: skip


def _back(action: Rename | MoveSchema, old: Name, new: Name) -> str:
    kind = action.kind.upper()
    if isinstance(action, Rename):
        return f"ALTER {kind} {new} RENAME TO {quote(old.name)}"
    return f"ALTER {kind} {new} SET SCHEMA {quote(old.schema or 'public')}"
