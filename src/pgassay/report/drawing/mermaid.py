"""A catalog as a Mermaid entity relationship diagram (https://mermaid.js.org/syntax/entityRelationshipDiagram.html)."""

from __future__ import annotations

import re

from pgassay.catalog import Catalog
from pgassay.report.drawing.relations import Relation, marks, relations, shown, title


def mermaid(catalog: Catalog) -> str:
    """The diagram's source. Partitions are left out; text from the database is stripped of what would end a string."""
    lines = ["erDiagram"]
    for table in shown(catalog):
        lines.append(f'    "{_words(title(table.name))}" {{')
        for column in table.columns:
            key = marks(table, column)
            lines.append("        " + " ".join(filter(None, (_type(column.type), _attribute(column.name), key))))
        lines.append("    }")
    lines += [_relation(relation) for relation in relations(catalog)]
    return "\n".join(lines) + "\n"


def _relation(relation: Relation) -> str:
    child = "o|" if relation.unique else "}o"
    parent = "o|" if relation.optional else "||"
    label = _words(", ".join(relation.columns))
    return f'    "{_words(title(relation.child))}" {child}--{parent} "{_words(title(relation.parent))}" : "{label}"'


def _words(text: str) -> str:
    return re.sub(r'["\\%\r\n]', "_", text)


def _type(text: str) -> str:
    """Mermaid's attribute types are letters, digits, brackets, hyphens and underscores, and begin with a letter."""
    text = re.sub(r"^public\.", "", text).replace("timestamp with time zone", "timestamptz")
    text = re.sub(r"[^A-Za-z0-9_()\[\]-]", "_", text.replace(",", "-").replace(" ", "_").replace('"', ""))
    return text if text[:1].isalpha() else f"t{text}"


def _attribute(text: str) -> str:
    text = re.sub(r"[^A-Za-z0-9_-]", "_", text)
    return text if text[:1].isalpha() else f"c{text}"
