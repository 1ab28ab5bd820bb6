"""A catalog as SQLAlchemy 2 models (https://docs.sqlalchemy.org/en/20/orm/declarative_tables.html)."""

from __future__ import annotations

import re
from dataclasses import replace

from pgassay.catalog import Catalog, Column, Constraint, Index, Table
from pgassay.report.orm.division import Division, divide
from pgassay.report.orm.indexes import keys
from pgassay.report.orm.names import attributes, classes

_RESERVED = frozenset({"metadata", "registry"})
_LENGTH = re.compile(r"(character varying|character|bit varying|bit)(?:\((\d+)\))?$")
_PRECISE = re.compile(r"(timestamp|time)(?:\((\d)\))? (with|without) time zone$")
_NUMERIC = re.compile(r"numeric(?:\((\d+),(-?\d+)\))?$")
# format_type's name: SQLAlchemy's class, the module that has it, Python's type
_TYPES = {
    "text": ("Text()", "Text", "str"),
    "smallint": ("SmallInteger()", "SmallInteger", "int"),
    "integer": ("Integer()", "Integer", "int"),
    "bigint": ("BigInteger()", "BigInteger", "int"),
    "boolean": ("Boolean()", "Boolean", "bool"),
    "bytea": ("LargeBinary()", "LargeBinary", "bytes"),
    "uuid": ("Uuid()", "Uuid", "uuid.UUID"),
    "date": ("Date()", "Date", "datetime.date"),
    "double precision": ("Double()", "Double", "float"),
    "real": ("REAL()", "REAL", "float"),
    "interval": ("postgresql.INTERVAL()", "", "datetime.timedelta"),
    "json": ("postgresql.JSON()", "", "Any"),
    "jsonb": ("postgresql.JSONB()", "", "Any"),
}


def sqlalchemy_models(catalog: Catalog, *, title: str = "The schema") -> str:
    """``models.py``: declarative classes, with SQL for the rest run around ``create_all``."""
    division = divide(catalog, said)
    return _Writer(catalog, division, title).text()


def said(table: Table) -> Table | None:
    """What SQLAlchemy can say of a table: no partitions, triggers, policies, privileges or storage."""
    if table.kind == "foreign table" or table.partition_of is not None or table.inherits or table.of_type:
        return None
    kept = tuple(c for c in table.constraints if _sayable(c))
    named = {c.name for c in kept}
    return Table(
        name=table.name,
        kind=table.kind,
        columns=tuple(_column_said(c) for c in table.columns),
        constraints=tuple(replace(c, comment=None) for c in kept),
        indexes=tuple(
            replace(i, comment=None, clustered=False)
            for i in table.indexes
            if i.valid and not i.exclusion and not i.tablespace and (i.constraint is None or i.constraint in named)
        ),
        partition_key=table.partition_key,
        owner=table.owner,
        comment=table.comment,
    )


def _column_said(column: Column) -> Column:
    return replace(column, storage=None, compression=None, statistics=None, options=())


def _sayable(constraint: Constraint) -> bool:
    odd = re.search(
        r" NOT VALID$| NOT ENFORCED$| NO INHERIT|WITHOUT OVERLAPS| INCLUDE \(|PERIOD ", constraint.definition
    )
    return constraint.kind in ("primary key", "unique", "foreign key", "check") and not odd


class _Writer:
    """Collects the imports while it writes the classes."""

    def __init__(self, catalog: Catalog, division: Division, title: str) -> None:
        self.catalog, self.division, self.title = catalog, division, title
        self.core: set[str] = set()
        self.orm: set[str] = {"DeclarativeBase"}
        self.modules: set[str] = set()
        self.named: dict[str, str] = {}  # a type of the database: how it is written

    def text(self) -> str:
        tables = self.division.models.tables
        names = classes(t.name.name for t in tables)
        bodies = [self._table(table, name) for table, name in zip(tables, names, strict=True)]
        self.core |= {"event", "DDL"} if self.division.before or self.division.after else set()
        return "\n\n".join(filter(None, [self._head(), self._base(), *bodies, self._rest()])) + "\n"

    def _head(self) -> str:
        lines = [
            f'"""{_docstring(self.title)}: SQLAlchemy models, written by pgassay from the database\'s own catalog."""',
            "",
        ]
        lines += ["from __future__ import annotations", ""]
        lines += [f"import {m}" for m in sorted(self.modules - {"Any", "Decimal"})]
        lines += ["from decimal import Decimal"] if "Decimal" in self.modules else []
        lines += ["from typing import Any"] if "Any" in self.modules else []
        if lines[-1]:
            lines.append("")
        lines += [f"from sqlalchemy import {', '.join(sorted(self.core))}"] if self.core else []
        lines += ["from sqlalchemy.dialects import postgresql"] if "postgresql" in self.orm else []
        lines.append(f"from sqlalchemy.orm import {', '.join(sorted(self.orm - {'postgresql', 'UserDefinedType'}))}")
        if "UserDefinedType" in self.orm:
            lines.append("from sqlalchemy.types import UserDefinedType")
        return "\n".join(lines)

    def _base(self) -> str:
        base = '\nclass Base(DeclarativeBase):\n    """The tables share its metadata."""'
        if "UserDefinedType" not in self.orm:
            return base
        return (
            "\nclass Named(UserDefinedType[Any]):\n"
            '    """A type of the database that SQLAlchemy has no class for."""\n\n'
            "    cache_ok = True\n\n"
            "    def __init__(self, name: str) -> None:\n        self.name = name\n\n"
            "    def get_col_spec(self, **_options: Any) -> str:\n        return self.name\n\n" + base
        )

    def _table(self, table: Table, name: str) -> str:
        whole = self.catalog.table(table.name) or table
        arguments = [self._constraint(c) for c in table.constraints]
        arguments += [self._index(i) for i in table.indexes if i.constraint is None]
        options: dict[str, str | None] = (
            {"schema": table.name.schema} if table.name.schema not in (None, "public") else {}
        )
        options |= {"comment": table.comment} if table.comment else {}
        options |= {"postgresql_partition_by": table.partition_key} if table.partition_key else {}
        columns = [
            (attribute, column, *self._column(column, whole))
            for attribute, column in zip(
                attributes((c.name for c in table.columns), _RESERVED), table.columns, strict=True
            )
        ]
        if table.primary_key is None:
            return self._core_table(table, name, [c[3] for c in columns], arguments, options)
        self.orm |= {"Mapped", "mapped_column"}
        lines = [f"\nclass {name}(Base):"]
        lines.append(f'    """{_docstring(table.comment or table.name.name)}"""\n')
        lines.append(f"    __tablename__ = {table.name.name!r}")
        if arguments or options:
            lines.append("    __table_args__ = (")
            lines += [f"        {a}," for a in arguments]
            lines += [f"        {options!r},"] if options else []
            lines.append("    )")
        lines.append("")
        for attribute, column, python, written in columns:
            optional = python if column.not_null or column.type_not_null else f"{python} | None"
            lines.append(f"    {attribute}: Mapped[{optional}] = mapped_column({written})")
        return "\n".join(lines)

    def _core_table(
        self, table: Table, name: str, columns: list[str], arguments: list[str], options: dict[str, str | None]
    ) -> str:
        """A table without a primary key cannot be a class."""
        self.core |= {"Table", "Column"}
        lines = [f"\n{attributes([table.name.name])[0]} = Table(  # no primary key: {name} cannot be a class"]
        lines += [f"    {table.name.name!r},", "    Base.metadata,"]
        lines += [f"    Column({c})," for c in columns]
        lines += [f"    {a}," for a in arguments]
        lines += [f"    {k}={v!r}," for k, v in options.items()]
        return "\n".join([*lines, ")"])

    def _column(self, column: Column, table: Table) -> tuple[str, str]:
        """Python's type, and what stands within ``mapped_column(…)``."""
        written, python = self._type(column.type, column)
        words = [repr(column.name), written]
        if column.identity:
            self.core.add("Identity")
            sequence = next((s for s in self.catalog.sequences if s.owned_by == (table.name, column.name)), None)
            more = []
            if sequence is not None:
                more = [f"start={sequence.start}"] if sequence.start != 1 else []
                more += [f"increment={sequence.increment}"] if sequence.increment != 1 else []
                more += [f"cache={sequence.cache}"] if sequence.cache != 1 else []
                more += ["cycle=True"] if sequence.cycle else []
            always = f"always={column.identity == 'always'}"
            words.append(f"Identity({', '.join([always, *more])})")
        if column.generated:
            self.core.add("Computed")
            words.append(f"Computed({column.expression!r}, persisted={column.generated == 'stored'})")
        elif column.default is not None:
            self.core.add("text")
            words.append(f"server_default=text({_colons(column.default)!r})")
        primary = table.primary_key
        if primary is not None and column.name in primary.columns:
            words.append("primary_key=True")
            if not column.identity:
                words.append("autoincrement=False")
        elif column.not_null:
            words.append("nullable=False")
        else:
            words.append("nullable=True")
        if column.comment:
            words.append(f"comment={column.comment!r}")
        return python, ", ".join(words)

    def _type(self, name: str, column: Column | None = None) -> tuple[str, str]:
        """SQLAlchemy's expression and Python's type for a type as ``format_type`` prints it."""
        if name.endswith("[]"):
            inner, python = self._type(name[:-2])
            self.orm.add("postgresql")
            dimensions = column.dimensions if column is not None and column.dimensions > 1 else 1
            more = f", dimensions={dimensions}" if dimensions > 1 else ""
            return f"postgresql.ARRAY({inner}{more})", "list[Any]" if self._any() else f"list[{python}]"
        collation = f"collation={_bare(column.collation)!r}" if column is not None and column.collation else ""
        if name in _TYPES:
            written, core, python = _TYPES[name]
            self._needs(written, core, python)
            return (written.replace("()", f"({collation})") if name == "text" else written), python
        if found := _NUMERIC.match(name):
            self._needs("", "Numeric", "Decimal")
            return (f"Numeric({found[1]}, {found[2]})" if found[1] else "Numeric()"), "Decimal"
        if (found := _LENGTH.match(name)) and found[1].startswith("character"):
            kind = "String" if found[1].endswith("varying") else "CHAR"
            self._needs("", kind, "str")
            return f"{kind}({', '.join(filter(None, [found[2], collation]))})", "str"
        if found := _PRECISE.match(name):
            self._needs("postgresql", "", f"datetime.{'datetime' if found[1] == 'timestamp' else 'time'}")
            more = f", precision={found[2]}" if found[2] else ""
            kind = found[1].upper()
            return (
                f"postgresql.{kind}(timezone={found[3] == 'with'}{more})",
                f"datetime.{'datetime' if found[1] == 'timestamp' else 'time'}",
            )
        return self._made(name)

    def _made(self, name: str) -> tuple[str, str]:
        enum, domain = self.catalog.enum(name), self.catalog.domain(name)
        made = enum or domain
        schema = "" if made is None or made.name.schema == "public" else f", schema={made.name.schema!r}"
        if enum is not None:
            self._needs("postgresql", "", "str")
            labels = ", ".join(map(repr, enum.labels))
            return f"postgresql.ENUM({labels}, name={enum.name.name!r}{schema}, create_type=False)", "str"
        if domain is not None:
            self._needs("postgresql", "", "")
            inner, python = self._type(domain.type)
            return f"postgresql.DOMAIN({domain.name.name!r}, {inner}{schema}, create_type=False)", python
        self.orm.add("UserDefinedType")
        self.modules.add("Any")
        return f"Named({name!r})", "Any"

    def _needs(self, written: str, core: str, python: str) -> None:
        if core:
            self.core.add(core)
        if written.startswith("postgresql"):
            self.orm.add("postgresql")
        if python in ("Any", "Decimal"):
            self.modules.add(python)
        elif "." in python:
            self.modules.add(python.split(".")[0])

    def _any(self) -> bool:
        self.modules.add("Any")
        return True

    def _constraint(self, constraint: Constraint) -> str:
        columns = ", ".join(map(repr, constraint.columns))
        more = [f"name={constraint.name!r}"]
        if constraint.deferrable:
            more += ["deferrable=True", f"initially={'DEFERRED' if constraint.deferred else 'IMMEDIATE'!r}"]
        match constraint.kind:
            case "primary key":
                self.core.add("PrimaryKeyConstraint")
                return f"PrimaryKeyConstraint({', '.join([columns, *more])})"
            case "unique":
                self.core.add("UniqueConstraint")
                if "NULLS NOT DISTINCT" in constraint.definition:
                    more.append("postgresql_nulls_not_distinct=True")
                return f"UniqueConstraint({', '.join([columns, *more])})"
            case "foreign key":
                self.core.add("ForeignKeyConstraint")
                parent = constraint.references
                assert parent is not None
                prefix = "" if parent.schema in (None, "public") else f"{parent.schema}."
                to = ", ".join(repr(f"{prefix}{parent.name}.{c}") for c in constraint.referenced_columns)
                found = re.search(
                    r" ON DELETE (NO ACTION|RESTRICT|CASCADE|SET (?:NULL|DEFAULT)(?: \([^)]*\))?)",
                    constraint.definition,
                )
                more += [f"ondelete={found[1]!r}"] if found else []
                found = re.search(
                    r" ON UPDATE (NO ACTION|RESTRICT|CASCADE|SET (?:NULL|DEFAULT))", constraint.definition
                )
                more += [f"onupdate={found[1]!r}"] if found else []
                more += ["match='FULL'"] if " MATCH FULL" in constraint.definition else []
                return f"ForeignKeyConstraint([{columns}], [{to}], {', '.join(more)})"
            case _:
                self.core |= {"CheckConstraint", "text"}
                return f"CheckConstraint(text({_colons(constraint.expression or '')!r}), {', '.join(more)})"

    def _index(self, index: Index) -> str:
        self.core |= {"Index", "text"}
        words = [repr(index.name), *(f"text({_colons(k)!r})" for k in keys(index))]
        words += ["unique=True"] if index.unique else []
        words += [f"postgresql_using={index.method!r}"] if index.method != "btree" else []
        words += [f"postgresql_include={[_bare(c) for c in index.include]!r}"] if index.include else []
        words += [f"postgresql_where=text({_colons(index.where)!r})"] if index.where else []
        words += ["postgresql_nulls_not_distinct=True"] if not index.nulls_distinct else []
        if found := re.search(r" WITH \(([^)]*)\)", index.definition):
            pairs = dict(p.strip().replace("'", "").split("=", 1) for p in found[1].split(","))
            words.append(f"postgresql_with={pairs!r}")
        return f"Index({', '.join(words)})"

    def _rest(self) -> str:
        parts = []
        for moment, statements in (("before_create", self.division.before), ("after_create", self.division.after)):
            if statements:
                name = moment.upper()
                words = "\n".join(f"    {_percent(s)!r}," for s in statements)
                parts.append(f"# SQLAlchemy has no words for these.\n{name} = (\n{words}\n)")
                parts.append(f"for statement in {name}:\n    event.listen(Base.metadata, {moment!r}, DDL(statement))")
        return "\n" + "\n".join(parts) if parts else ""


def _colons(sql: str) -> str:
    """SQL for ``text()``, where a colon before a letter would be a parameter."""
    return re.sub(r"(?<!:):(?=\w)", r"\\:", sql)


def _percent(sql: str) -> str:
    """SQL for ``DDL()``, which is filled in with ``%``."""
    return sql.replace("%", "%%")


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _docstring(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
