"""A catalog as a data dictionary in Markdown: every table, column, key, index and policy with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from pgassay.catalog import Catalog, Column, Index, Table
from pgassay.report.drawing.relations import marks, shown, title


def dictionary(catalog: Catalog, heading: str = "Data dictionary") -> str:
    """The dictionary. The words are the comments of the catalog; partitions are counted, not listed."""
    tables = shown(catalog)
    blocks = [f"# {_words(heading)}", _contents(tables)]
    blocks += [block for table in tables for block in _table(catalog, table)]
    if catalog.views:
        blocks.append("## Views")
        blocks.append(
            _rows(("view", "what it shows"), [(_code(title(v.name)), _words(v.comment)) for v in catalog.views])
        )
    types = [(_code(title(d.name)), _code(d.type), _words(d.comment)) for d in catalog.domains]
    types += [(_code(title(e.name)), _words(" · ".join(e.labels)), _words(e.comment)) for e in catalog.enums]
    if types:
        blocks += ["## Types", _rows(("type", "of", "what it holds"), types)]
    routines = [
        (_code(f"{title(r.name)}({r.arguments})"), _code(r.result or ""), _words(r.comment)) for r in catalog.routines
    ]
    if routines:
        blocks += ["## Functions", _rows(("function", "returns", "what it does"), routines)]
    return "\n\n".join(blocks) + "\n"


def _contents(tables: tuple[Table, ...]) -> str:
    return "\n".join(f"- [{_words(title(t.name))}](#{_anchor(title(t.name))}){_dash(t.comment)}" for t in tables)


def _table(catalog: Catalog, table: Table) -> list[str]:
    blocks = [f"## {_words(title(table.name))}"]
    if table.comment:
        blocks.append(_words(table.comment))
    facts = []
    if table.partition_key:
        count = sum(t.partition_of == table.name for t in catalog.tables)
        facts.append(f"Partitioned by {_code(table.partition_key)}; {count} partitions.")
    if table.row_security:
        forced = ", forced" if table.force_row_security else ""
        facts.append(f"Row-level security is on{forced}.")
    if facts:
        blocks.append(" ".join(facts))
    blocks.append(
        _rows(
            ("column", "type", "null", "default", "key", "what it holds"),
            [_column(table, column) for column in table.columns],
        )
    )
    indexes = [_index(index) for index in table.indexes]
    if indexes:
        blocks.append(_rows(("index", "on", "why"), indexes))
    checks = [
        (_code(c.name), _code(c.definition), _words(c.comment))
        for c in table.constraints
        if c.kind in ("check", "foreign key", "exclude")
    ]
    if checks:
        blocks.append(_rows(("constraint", "rule", "why"), checks))
    policies = [(_code(p.name), p.command, ", ".join(p.roles), _code(p.using or p.check or "")) for p in table.policies]
    if policies:
        blocks.append(_rows(("policy", "command", "roles", "rows"), policies))
    return blocks


def _column(table: Table, column: Column) -> tuple[str, ...]:
    default = column.default or column.expression or (f"identity, {column.identity}" if column.identity else "")
    return (
        _code(column.name),
        _code(column.type),
        "" if column.not_null or column.type_not_null else "yes",
        _code(default) if default else "",
        marks(table, column),
        _words(column.comment),
    )


def _index(index: Index) -> tuple[str, ...]:
    on = f"{index.method} ({', '.join(index.keys)})"
    if index.include:
        on += f" include ({', '.join(index.include)})"
    if index.where:
        on += f" where {index.where}"
    return _code(index.name), _code(on), _words(("unique. " if index.unique else "") + (index.comment or ""))


def _rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _words(text: str | None) -> str:
    """Text from a database, harmless in Markdown: one line, nothing that is markup or HTML."""
    plain = " ".join((text or "").split())
    for mark in "\\`*_[]<>|#":
        plain = plain.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return plain


def _code(text: str) -> str:
    if not text:
        return ""
    plain = " ".join(text.split()).replace("|", "\\|")
    ticks = "``" if "`" in plain else "`"
    return f"{ticks}{plain}{ticks}"


def _dash(comment: str | None) -> str:
    first = (comment or "").split(". ")[0]
    return f": {_words(first)}" if first else ""


def _anchor(text: str) -> str:
    """GitHub's anchors: lower case, blanks as hyphens, other marks dropped."""
    return "".join(c if c.isalnum() or c in "_-" else "-" if c == " " else "" for c in text.lower())
