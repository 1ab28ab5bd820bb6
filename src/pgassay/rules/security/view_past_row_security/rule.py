"""View that reads past row-level security

A view reads its tables with the rights of its owner, and under the policies that bind the owner: of a table whose row
security is not forced, of a superuser or of a role with BYPASSRLS, none at all. Whoever may read the view reads the
rows of all tenants. A materialised view holds the rows that its owner saw at its last refresh, whoever asks.

**Seen by:** the catalog: a view without `security_invoker` over a table with row security (style where that is
forced, and the view's owner is the table's: then it holds unless the owner is a superuser); a materialised view over
one that others than its owner may read.

**Instead:** `security_invoker` (PostgreSQL 15); a view with the tenant's condition over a materialised view that
nobody else may read.

Source: PostgreSQL manual, CREATE VIEW; chapter 39.5 "Rules and Privileges".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Catalog, Table, View
from pgassay.catalog.sessions import mentions
from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report views under their owner's rights over tables with row security."""
    for view in state.catalog.views:
        tables = _secured(state.catalog, view)
        if not tables:
            continue
        names = ", ".join(str(t.name) for t in tables)
        others = [g.grantee for g in view.grants if "SELECT" in g.privileges]
        if view.materialized:
            if others:
                yield state.finding(
                    VERDICT,
                    f"materialised view {view.name} holds rows of {names} and shows them all to {', '.join(others)}",
                    subject=view.name,
                    certainty=Certainty.COMPUTED,
                    evidence=(Evidence(kind="catalog", text="a materialised view has no row security"),),
                    remedy=f"REVOKE SELECT ON {view.name} FROM {', '.join(others)};",
                )
        elif not invoker(view):
            bound = all(t.force_row_security and t.owner == view.owner for t in tables)
            yield state.finding(
                Verdict.STYLE if bound else VERDICT,
                f"view {view.name} reads {names} with the rights of its owner, {view.owner or 'not its reader'}",
                subject=view.name,
                certainty=Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text="no security_invoker"),),
                remedy=f"ALTER VIEW {view.name} SET (security_invoker = true);"
                if state.catalog.version >= 150000
                else None,
            )


def invoker(view: View) -> bool:
    """Whether a view reads with its reader's rights."""
    told = [o.replace(" ", "").lower().partition("=") for o in view.options]
    return any(name == "security_invoker" and value in ("", "true", "on", "1", "yes") for name, _, value in told)


def _secured(catalog: Catalog, view: View) -> list[Table]:
    named = set(mentions(view.definition, {t.name.name for t in catalog.tables}))
    return [t for t in catalog.tables if t.row_security and t.name.name in named]
