"""Put the flat lists of read.sql together to a catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeVar

from pgassay.catalog.dependencies import dependencies
from pgassay.catalog.model import (
    Catalog,
    Column,
    Composite,
    Constraint,
    Domain,
    Enum,
    Extension,
    Grant,
    Index,
    Other,
    Policy,
    Range,
    Routine,
    Schema,
    Sequence,
    Statistics,
    Table,
    Trigger,
    View,
)
from pgassay.model import Name, literal, quote

_Row = dict[str, Any]


class _Named(Protocol):
    @property
    def name(self) -> Any: ...


_N = TypeVar("_N", bound=_Named)

_TABLES: dict[str, Literal["table", "partitioned table", "foreign table"]] = {
    "r": "table", "p": "partitioned table", "f": "foreign table",
}  # fmt: skip
_CONSTRAINTS: dict[str, Literal["primary key", "unique", "foreign key", "check", "not null", "exclude"]] = {
    "p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "n": "not null", "x": "exclude",
}  # fmt: skip
_ROUTINES: dict[str, Literal["function", "procedure", "aggregate", "window"]] = {
    "f": "function", "p": "procedure", "a": "aggregate", "w": "window",
}  # fmt: skip
_VOLATILITY: dict[str, Literal["immutable", "stable", "volatile"]] = {"i": "immutable", "s": "stable", "v": "volatile"}
_IDENTITY: dict[str, Literal["always", "by default"]] = {"a": "always", "d": "by default"}
_GENERATED: dict[str, Literal["stored", "virtual"]] = {"s": "stored", "v": "virtual"}
_ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_ENABLED = {"O": "origin", "D": "disabled", "R": "replica", "A": "always"}
_RULE_STATES = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
_STORAGE = {"p": "plain", "e": "external", "m": "main", "x": "extended"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}
_IDENTITIES = {"d": "default", "n": "nothing", "f": "full", "i": "index"}


class Assembly:
    """The flat lists of the document, grouped by what they belong to."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.comments = {(kind, oid, number): text for kind, oid, number, text in document["comments"] or ()}
        self.defaults = {kind: frozenset(privileges) for kind, privileges in self.document["defaults"].items()}
        self.relations = {row["oid"]: row for row in self.rows("relations")}
        self.names = {oid: Name(row["schema"], row["name"]) for oid, row in self.relations.items()}
        self.columns = self.grouped("columns")
        self.constraints = self.grouped("constraints")
        self.domain_constraints = self.grouped("constraints", "type")
        self.indexes = self.grouped("indexes")
        self.triggers = self.grouped("triggers")
        self.policies = self.grouped("policies")
        self.rules = self.grouped("rules")
        self.column_names = {(row["relation"], row["number"]): row["name"] for row in self.rows("columns")}
        self.owned = {
            (row["owner_relation"], row["owner_column"]): self.names[row["relation"]] for row in self.rows("sequences")
        }

    def rows(self, list_name: str) -> list[_Row]:
        return self.document[list_name] or []

    def grouped(self, list_name: str, by: str = "relation") -> dict[str, list[_Row]]:
        groups: dict[str, list[_Row]] = defaultdict(list)
        for row in self.rows(list_name):
            groups[row[by]].append(row)
        return groups

    def comment(self, catalog: str, row: _Row) -> str | None:
        return self.comments.get((catalog, row["oid"], 0))

    def catalog(self) -> Catalog:
        types = self.grouped("types", "kind")
        relations = self.grouped("relations", "kind")
        return Catalog(
            schemas=_sorted(map(self.schema, self.rows("schemas"))),
            tables=_sorted(self.table(row) for kind in _TABLES for row in relations[kind]),
            views=_sorted(self.view(row) for kind in "vm" for row in relations[kind]),
            sequences=_sorted(map(self.sequence, self.rows("sequences"))),
            enums=_sorted(map(self.enum, types["e"])),
            domains=_sorted(map(self.domain, types["d"])),
            composites=_sorted(map(self.composite, self.rows("composites"))),
            ranges=_sorted(map(self.range, types["r"])),
            routines=tuple(sorted(map(self.routine, self.rows("routines")), key=lambda r: (str(r.name), r.arguments))),
            extensions=_sorted(map(_extension, self.rows("extensions"))),
            statistics=_sorted(map(self.statistic, self.rows("statistics"))),
            others=tuple(sorted(map(_other, self.rows("others")), key=lambda o: (o.kind, o.name))),
            dependencies=dependencies(self.document, self.names),
            version=self.document["version"],
        )

    def schema(self, row: _Row) -> Schema:
        return Schema(
            name=row["name"],
            owner=row["owner"],
            grants=self.grants(row, "n"),
            comment=self.comment("pg_namespace", row),
        )

    def table(self, row: _Row) -> Table:
        oid = row["oid"]
        parents = tuple(Name(*parent) for parent in row["parents"] or ())
        return Table(
            name=self.names[oid],
            kind=_TABLES[row["kind"]],
            columns=self.columns_of(oid),
            constraints=_sorted(map(self.constraint, self.constraints[oid])),
            indexes=_sorted(map(self.index, self.indexes[oid])),
            triggers=_sorted(map(self.trigger, self.triggers[oid])),
            policies=_sorted(map(self.policy, self.policies[oid])),
            rules=self.rules_of(oid),
            row_security=row["row_security"],
            force_row_security=row["force_row_security"],
            partition_key=row["partition_key"],
            partition_of=parents[0] if row["partition"] and parents else None,
            partition_bound=row["partition_bound"],
            inherits=() if row["partition"] else parents,
            replica_identity=self.replica_identity(row),
            unlogged=row["unlogged"],
            options=tuple(sorted(row["options"])),
            tablespace=row["tablespace"],
            method=row["method"],
            server=row["server"],
            of_type=row["of_type"],
            owner=row["owner"],
            grants=self.grants(row, "r") + self.column_grants(oid),
            comment=self.comment("pg_class", row),
        )

    def replica_identity(self, row: _Row) -> str:
        identity = _IDENTITIES[row["replica_identity"]]
        if identity != "index":
            return identity
        # PostgreSQL treats an identity whose index was dropped as nothing.
        return next((f"index {i['name']}" for i in self.indexes[row["oid"]] if i["replica_identity"]), "nothing")

    def view(self, row: _Row) -> View:
        oid = row["oid"]
        return View(
            name=self.names[oid],
            definition=row["definition"],
            columns=self.columns_of(oid),
            materialized=row["kind"] == "m",
            options=tuple(sorted(row["options"])),
            indexes=_sorted(map(self.index, self.indexes[oid])),
            triggers=_sorted(map(self.trigger, self.triggers[oid])),
            rules=self.rules_of(oid),
            populated=row["populated"],
            owner=row["owner"],
            grants=self.grants(row, "r") + self.column_grants(oid),
            comment=self.comment("pg_class", row),
        )

    def columns_of(self, oid: str) -> tuple[Column, ...]:
        return tuple(self.column(row) for row in self.columns[oid])

    def column(self, row: _Row) -> Column:
        generated = _GENERATED.get(row["generated"])
        return Column(
            name=row["name"],
            type=row["type"],
            base=row["base"],
            category=row["category"],
            element=row["element"],
            not_null=row["not_null"],
            type_not_null=row["type_not_null"],
            type_default=row["type_default"],
            default=None if generated else row["expression"],
            identity=_IDENTITY.get(row["identity"]),
            generated=generated,
            expression=row["expression"] if generated else None,
            collation=row["collation"],
            storage=_STORAGE.get(row["storage"]),
            compression=_COMPRESSION.get(row["compression"]),
            statistics=row["statistics"],
            dimensions=row["dimensions"],
            options=tuple(sorted(row["options"])),
            inherited=row["inherited"],
            owned_sequence=self.owned.get((row["relation"], row["number"])),
            comment=self.comments.get(("pg_class", row["relation"], row["number"])),
        )

    def constraint(self, row: _Row) -> Constraint:
        foreign = row["kind"] == "f"
        return Constraint(
            name=row["name"],
            kind=_CONSTRAINTS[row["kind"]],
            columns=tuple(row["columns"]),
            definition=row["definition"],
            expression=row["expression"],
            references=Name(row["ref_schema"], row["ref_name"]) if foreign else None,
            referenced_columns=tuple(row["referenced_columns"]),
            on_delete=_ACTIONS[row["on_delete"]] if foreign else None,
            on_update=_ACTIONS[row["on_update"]] if foreign else None,
            validated=row["validated"],
            enforced=row["enforced"],
            deferrable=row["deferrable"],
            deferred=row["deferred"],
            inherited=row["inherited"],
            index=row["index"],
            comment=self.comment("pg_constraint", row),
        )

    def index(self, row: _Row) -> Index:
        count = row["key_count"]
        return Index(
            name=row["name"],
            method=row["method"],
            keys=tuple(text for _, text in row["keys"][:count]),
            columns=tuple(column for column, _ in row["keys"][:count]),
            include=tuple(column for column, _ in row["keys"][count:]),
            where=row["where"],
            unique=row["unique"],
            nulls_distinct=row["nulls_distinct"],
            primary=row["primary"],
            exclusion=row["exclusion"],
            constraint=row["constraint"],
            valid=row["valid"],
            clustered=row["clustered"],
            tablespace=row["tablespace"],
            definition=row["definition"],
            partition_of=Name(row["parent_schema"], row["parent_name"]) if row["parent_name"] else None,
            comment=self.comment("pg_class", row),
        )

    def trigger(self, row: _Row) -> Trigger:
        return Trigger(
            name=row["name"],
            definition=row["definition"],
            function=Name(row["function_schema"], row["function_name"]),
            enabled=_ENABLED[row["enabled"]],
            inherited=row["inherited"],
            comment=self.comment("pg_trigger", row),
        )

    def policy(self, row: _Row) -> Policy:
        return Policy(
            name=row["name"],
            command=_COMMANDS[row["command"]],
            permissive=row["permissive"],
            roles=tuple(row["roles"]),
            using=row["using"],
            check=row["check"],
            comment=self.comment("pg_policy", row),
        )

    def rules_of(self, oid: str) -> tuple[str, ...]:
        """The rules' definitions, and how to set their state where it is not the usual one."""
        texts = []
        for row in self.rules[oid]:
            state = _RULE_STATES.get(row["enabled"])
            alter = f"\nALTER TABLE {self.names[oid]} {state} RULE {quote(row['name'])};" if state else ""
            texts.append(row["definition"] + alter)
        return tuple(texts)

    def sequence(self, row: _Row) -> Sequence:
        relation = self.relations[row["relation"]]
        owner = row["owner_relation"]
        column = self.column_names.get((owner, row["owner_column"]))
        return Sequence(
            name=self.names[row["relation"]],
            type=row["type"],
            start=row["start"],
            increment=row["increment"],
            minimum=row["minimum"],
            maximum=row["maximum"],
            cache=row["cache"],
            cycle=row["cycle"],
            owned_by=(self.names[owner], column) if column is not None else None,
            identity=row["identity"],
            owner=relation["owner"],
            grants=self.grants(relation, "s"),
            comment=self.comment("pg_class", relation),
        )

    def enum(self, row: _Row) -> Enum:
        return Enum(
            name=Name(row["schema"], row["name"]),
            labels=tuple(row["labels"] or ()),
            owner=row["owner"],
            grants=self.grants(row, "T", "USAGE"),
            comment=self.comment("pg_type", row),
        )

    def domain(self, row: _Row) -> Domain:
        return Domain(
            name=Name(row["schema"], row["name"]),
            type=row["type"],
            base=row["base"],
            category=row["category"],
            not_null=row["not_null"],
            default=row["default"],
            collation=row["collation"],
            constraints=_sorted(map(self.constraint, self.domain_constraints[row["oid"]])),
            owner=row["owner"],
            grants=self.grants(row, "T", "USAGE"),
            comment=self.comment("pg_type", row),
        )

    def composite(self, row: _Row) -> Composite:
        return Composite(
            name=Name(row["schema"], row["name"]),
            attributes=self.columns_of(row["relation"]),
            owner=row["owner"],
            grants=self.grants(row, "T", "USAGE"),
            comment=self.comment("pg_type", row) or self.comments.get(("pg_class", row["relation"], 0)),
        )

    def range(self, row: _Row) -> Range:
        return Range(
            name=Name(row["schema"], row["name"]),
            subtype=row["subtype"],
            collation=row["range_collation"],
            operator_class=row["operator_class"],
            canonical=row["canonical"],
            difference=row["difference"],
            multirange=row["multirange"],
            owner=row["owner"],
            grants=self.grants(row, "T", "USAGE"),
            comment=self.comment("pg_type", row),
        )

    def routine(self, row: _Row) -> Routine:
        name = Name(row["schema"], row["name"])
        return Routine(
            name=name,
            arguments=row["arguments"],
            kind=_ROUTINES[row["kind"]],
            result=row["result"],
            language=row["language"],
            definition=row["definition"] or _aggregate(name, row["arguments"], row["aggregate"]),
            security_definer=row["security_definer"],
            volatility=_VOLATILITY[row["volatility"]],
            defaults=row["defaults"],
            owner=row["owner"],
            grants=self.grants(row, "f", "EXECUTE"),
            comment=self.comment("pg_proc", row),
        )

    def statistic(self, row: _Row) -> Statistics:
        return Statistics(
            name=Name(row["schema"], row["name"]),
            table=self.names[row["relation"]],
            definition=row["definition"],
            target=row["target"],
            comment=self.comment("pg_statistic_ext", row),
        )

    def grants(self, row: _Row, kind: str, public: str | None = None) -> tuple[Grant, ...]:
        """What an object's access list says beyond its owner's own; ``public`` is what PUBLIC has by default."""
        if row["acl"] is None:
            return (Grant(grantee="PUBLIC", privileges=(public,)),) if public else ()
        owner = row["owner"]
        kept = {privilege for grantee, privilege, _ in row["acl"] if grantee == owner}
        whole = self.defaults[kind] <= kept
        grants = _grants(entry for entry in row["acl"] if not (whole and entry[0] == owner and not entry[2]))
        return grants if kept else (*grants, Grant(grantee=owner, privileges=()))

    def column_grants(self, oid: str) -> tuple[Grant, ...]:
        columns: dict[Grant, list[str]] = defaultdict(list)
        for row in self.columns[oid]:
            for grant in _grants(row["acl"] or ()):
                columns[grant].append(row["name"])
        grants = (replace(grant, columns=tuple(sorted(names))) for grant, names in columns.items())
        return tuple(sorted(grants, key=lambda g: (g.grantee, g.grantable, g.privileges)))


def _extension(row: _Row) -> Extension:
    return Extension(name=row["name"], version=row["version"], schema=row["schema"])


def _other(row: _Row) -> Other:
    return Other(kind=row["kind"], name=row["name"], definition=row["definition"], sql=row["sql"])


def _sorted(things: Iterable[_N]) -> tuple[_N, ...]:
    return tuple(sorted(things, key=lambda thing: thing.name))


def _grants(entries: Iterable[tuple[str, str, bool]]) -> tuple[Grant, ...]:
    held: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for grantee, privilege, grantable in entries:
        held[grantee, grantable].add(privilege)
    return tuple(
        Grant(grantee=grantee, privileges=tuple(sorted(privileges)), grantable=grantable)
        for (grantee, grantable), privileges in sorted(held.items())
    )


def _aggregate(name: Name, arguments: str, fields: dict[str, Any]) -> str:
    """``CREATE AGGREGATE``, which PostgreSQL has no function to print."""
    kind = fields.pop("kind")
    usual = "r" if kind == "n" else "w"
    texts = []
    for key, value in fields.items():
        match key:
            case "initcond" | "minitcond":
                value = None if value is None else literal(value)
            case "finalfunc_modify" | "mfinalfunc_modify":
                value = {"r": "read_only", "s": "shareable", "w": "read_write"}[value] if value != usual else None
            case "parallel":
                value = {"s": "safe", "r": "restricted", "u": None}[value]
        if value is True:
            texts.append(key.upper())
        elif value is not None and value is not False:
            texts.append(f"{key.upper()} = {value}")
    if kind == "h":
        texts.append("HYPOTHETICAL")
    return f"CREATE AGGREGATE {name}({arguments or '*'}) ({', '.join(texts)})"
