"""Constraints and indexes that are used by their names, and what the names tell."""

from __future__ import annotations

import re
from typing import Any

from pgassay.model import Name
from pgassay.sql.tree import name_of, pg
from pgassay.sql.usage_objects import ARGUMENT, Column, Constraint, Index, Relation
from pgassay.sql.usage_queries import QueryReader
from pgassay.sql.usage_terms import Scope, Source


def constraint_kind(name: str) -> Any:
    """What a constraint most likely is, by the usual names of its kind."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    joined = "_".join(words)
    if {"pkey", "pk", "primary"} & set(words):
        return "primary key"
    if {"fkey", "fk", "foreign", "foreignkey"} & set(words):
        return "foreign key"
    if {"key", "uq", "uniq", "unique", "uk", "ukey", "unq"} & set(words):
        return "unique"
    if "not_null" in joined or {"notnull", "nn"} & set(words):
        return "not null"
    if {"excl", "exclude", "exclusion"} & set(words):
        return "exclude"
    return "check"


class KeyReader(QueryReader):
    """Finds the table and columns of a constraint or index in its name."""

    def named_constraint(self, table: Relation, name: str, kind: Any, *, validated: bool = True) -> Constraint | None:
        """A constraint is used by its name."""
        found = table.constraints.get(name)
        if found is not None or not table.presumed or name in table.gone:
            return found
        kind = kind or constraint_kind(name)
        columns = tuple(c for n in self.names_in(name, table) if (c := table.column(n, self.world.place)) is not None)
        references: Relation | None = None
        if kind == "primary key":
            if not table.primary:
                identifier = table.column("id", self.world.place)
                table.primary = columns or ((identifier,) if identifier else ())
            columns = table.primary
        elif not columns and (first := table.column("id", self.world.place)) is not None:
            columns = (first,)
        if kind == "foreign key":
            references = self._partner(table, columns)
        made = Constraint(kind, name, columns, references=references, validated=validated)
        table.constraints[name] = made
        table.keys.append(made)
        return made

    def _partner(self, table: Relation, columns: tuple[Column, ...]) -> Relation | None:
        if not columns:
            return None
        stem = re.sub(r"(_id|_uuid|Id)\Z", "", columns[0].name)
        names = [f"{stem}s", stem, f"{stem}es", re.sub(r"y\Z", "ies", stem), stem.capitalize()]
        schema = table.name.schema
        known = next((r for n in names if (r := self.world.known(Name(schema, n))) and r.presumed), None)
        target = known or self.world.relation(Name(schema, names[0]))
        if target is None or not target.presumed:
            return table
        if not target.primary:
            identifier = target.column("id", self.world.place)
            target.primary = (identifier,) if identifier else ()
        for one, two in zip(columns, target.primary, strict=False):
            two.like(one)
        return target

    def names_in(self, name: str, table: Relation) -> list[str]:
        """The columns that the name of a constraint or index speaks of: ``users_email_key`` → email."""
        text = name
        for known in sorted((n.name for n in table.names), key=len, reverse=True):
            for bare in (known, known.rstrip("s")):
                match = re.search(rf"(?:^|_){re.escape(bare)}(?:_|$)", text)
                if match:
                    text = text[match.end() :] if match.end() < len(text) else text[: match.start()]
                    break
        text = re.sub(
            r"\A(?:idx|ix|index|uq|uniq|unique|uk|pk|fk|ck|chk|check|excl)_+|_+(?:idx|index|key|uniq|unique|uq|uk|pkey|pk|fkey|fk"
            r"|check|chk|ck|excl|not_null|notnull|nn)\Z",
            "",
            re.sub(r"\A(?:idx|ix|index|uq|unique|pk|fk|ck|chk|check)_+", "", text),
        )
        text = re.sub(
            r"_+(?:not_null|unique|foreign|required|positive|nonnegative|valid|range|length|format)\Z", "", text
        )
        if text in ("", name, "idx", "key", "pkey", "fkey", "check", "fk", "pk", "unique", "uq", "not_null"):
            return []
        present = set(table.columns) | set(table.originals)
        if text in present:
            return [text]
        parts = text.split("_")  # two known columns in a row: users_first_last_idx
        for cut in range(1, len(parts)):
            one, two = "_".join(parts[:cut]), "_".join(parts[cut:])
            if one in present and (two in present or constraint_kind(name) == "unique"):
                return [one, two]
            if one in present:
                return [one]
        if constraint_kind(name) == "foreign key":  # drizzle: orders_user_id_users_id_fk
            match = re.match(r"(?P<column>.+?_id)_.+_id\Z", text)
            if match:
                return [match["column"]]
            if not re.search(r"(?:_id|Id|_uuid)\Z", text):  # fk_orders_user
                text += "_id"
        return [text] if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else []

    # Indexes

    def on_index_stmt(self, stmt: pg.IndexStmt) -> None:
        table = self.world.relation(name_of(stmt.relation))
        scope = Scope([Source(stmt.relation.relname, relation=table, opaque=table is None)])
        columns: list[Column] = []
        for node in stmt.index_params:
            element = node.index_elem
            if element.name:
                column = table.column(element.name, self.world.place) if table else None
                if column is not None:
                    columns.append(column)
                    self._opclass(column, element, stmt.access_method)
            else:
                self.term(element.expr, scope)
                if any("trgm" in n.string.sval for n in element.opclass):
                    self.world.extension("pg_trgm")
        for node in stmt.index_including_params:
            if table is not None:
                table.column(node.index_elem.name, self.world.place)
        if stmt.HasField("where_clause"):
            self.condition(stmt.where_clause, scope)
        if stmt.idxname and table is not None:
            full = Name(table.name.schema, stmt.idxname)
            unique = stmt.unique and not stmt.HasField("where_clause") and len(columns) == len(stmt.index_params)
            if full not in self.world.indexes or not self.world.indexes[full].presumed:
                self._make_index(full, table, tuple(columns), unique)

    def _make_index(self, name: Name, table: Relation, columns: tuple[Column, ...], unique: bool) -> None:
        self.world.indexes[name] = Index(name, table, columns, unique, presumed=False)

    def _opclass(self, column: Column, element: pg.IndexElem, method: str) -> None:
        opclass = element.opclass[-1].string.sval if element.opclass else ""
        if opclass.startswith("jsonb") or (method == "gin" and not opclass):
            textual = column.name.lower().endswith(("tsv", "tsvector", "search", "search_vector", "fts", "document"))
            column.hint(ARGUMENT, "jsonb" if opclass.startswith("jsonb") or not textual else "tsvector")
        elif "trgm" in opclass:
            column.hint(ARGUMENT, "text")
            self.world.extension("pg_trgm")
        elif opclass.startswith(("text_pattern", "varchar_pattern")):
            column.hint(ARGUMENT, "text")
        elif opclass.startswith("vector"):
            column.hint(ARGUMENT, "vector")
            self.world.extension("vector")
        elif method in ("hnsw", "ivfflat"):
            self.world.extension("vector")
        elif method == "gist" and not opclass:
            named = column.name.lower().endswith(("range", "period", "during", "validity"))
            column.hint(ARGUMENT, "tstzrange" if named else "point")
        elif method == "brin":
            pass

    def index_use(self, name: Name, table: Relation | None = None, *, if_exists: bool = False) -> Any:
        """An index is used by its name: find its table and columns in the name."""
        index = self.world.index(name, table, if_exists=if_exists)
        if index is None or not index.presumed or index.columns:
            return index
        if index.table is None:
            index.table = self._indexed_table(index.name)
        if index.table is None or not index.table.presumed:
            return index
        found = [index.table.column(n, self.world.place) for n in self.names_in(name.name, index.table)]
        index.columns = tuple(c for c in found if c is not None)
        if not index.columns:
            primary = constraint_kind(name.name) == "primary key"
            column = index.table.column("id" if primary else "name", self.world.place)
            index.columns = (column,) if column else ()
        return index

    def _indexed_table(self, name: Name) -> Relation | None:
        bare = name.name
        tables = [r for r in self.world.relations.values() if r.kind in ("table", "materialized view")]
        best: tuple[int, Relation] | None = None
        for table in tables:
            for known in table.names:
                for stem in (known.name, known.name.rstrip("s")):
                    if len(stem) > 1 and re.search(rf"(?:^|_){re.escape(stem)}(?:_|$)", bare):
                        score = len(stem) + (1000 if table.presumed else 0)
                        if best is None or score > best[0]:
                            best = (score, table)
        if best is not None:
            return best[1]
        presumed = [t for t in tables if t.presumed]
        if len(presumed) == 1:
            return presumed[0]
        stripped = re.sub(r"\A(?:idx|ix|index|uq|unique)_|_(?:idx|index|key|ix|unique|uniq)\Z", "", bare)
        stem = stripped.split("_")[0] if "_" in stripped else stripped
        return self.world.relation(Name(name.schema, f"{stem}_table" if stem == bare else stem or "items"))
