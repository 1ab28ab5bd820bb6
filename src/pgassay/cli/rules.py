"""``pgassay rules``."""

from __future__ import annotations

import click

from pgassay.cli.output import emit
from pgassay.errors import UsageError


@click.command()
@click.argument("rule", required=False)
def rules(rule: str | None) -> None:
    """List the rules, or print the page of one."""
    from pgassay.report import rule_list, rule_page
    from pgassay.rules import registry

    known = {each.id: each for each in registry()}
    if rule is None:
        emit(rule_list(known.values()))
    elif rule in known:
        emit(rule_page(known[rule]))
    else:
        import difflib

        near = difflib.get_close_matches(rule, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "'pgassay rules' lists them."
        raise UsageError(f"there is no rule {rule}", hint=hint)
