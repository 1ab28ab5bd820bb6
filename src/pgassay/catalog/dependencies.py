"""Who needs whom: PostgreSQL's own dependencies, by names (manual, chapter 53.18: pg_depend)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgassay.catalog.model import Object
from pgassay.model import Name

_Place = tuple[str, str, int]
_RELATIONS = {"r": "table", "p": "table", "f": "table", "v": "view", "m": "view", "S": "sequence", "c": "type"}
_MEMBERS = {"triggers": ("pg_trigger", "trigger"), "policies": ("pg_policy", "policy")}


def dependencies(document: dict[str, Any], relations: Mapping[str, Name]) -> tuple[tuple[Object, Object], ...]:
    """The pairs of read.sql's document, of which the first needs the second; each once."""
    known = _known(document, relations)
    aliases = {(a["class"], a["oid"]): a for a in document["aliases"] or ()}
    pairs: dict[tuple[Object, Object], None] = {}
    for kind, oid, number, needed_kind, needed_oid, needed_number in document["dependencies"] or ():
        needing = _resolve(known, aliases, (kind, oid, number))
        needed = _resolve(known, aliases, (needed_kind, needed_oid, needed_number))
        if needing is not None and needed is not None and needing != needed:
            pairs[needing, needed] = None
    return tuple(pairs)


def _known(document: dict[str, Any], relations: Mapping[str, Name]) -> dict[_Place, Object]:
    """The objects that read.sql lists, by class, OID and number."""
    known: dict[_Place, Object] = {}
    kinds = {row["oid"]: _RELATIONS[row["kind"]] for row in document["relations"] or ()}
    for oid, kind in kinds.items():
        known["pg_class", oid, 0] = Object(kind, relations[oid])
    types: dict[str, Name] = {}
    for row in document["types"] or ():
        types[row["oid"]] = Name(row["schema"], row["name"])
        known["pg_type", row["oid"], 0] = Object("type", types[row["oid"]])
    for row in document["columns"] or ():
        if kinds[row["relation"]] == "table":
            table = relations[row["relation"]]
            known["pg_class", row["relation"], row["number"]] = Object("column", table, row["name"])
            if row["expression"] is not None and not row["generated"]:
                known["pg_attrdef", row["relation"], row["number"]] = Object("default", table, row["name"])
    constraints: dict[tuple[str, str], Object] = {}
    for row in document["constraints"] or ():
        name = types[row["type"]] if row["relation"] == "0" else relations[row["relation"]]
        made = known["pg_constraint", row["oid"], 0] = Object("constraint", name, row["name"])
        constraints[row["relation"], row["name"]] = made
    for row in document["indexes"] or ():
        table = relations[row["relation"]]
        index = Object("index", table.named(row["name"]))
        known["pg_class", row["oid"], 0] = constraints.get((row["relation"], row["constraint"]), index)
    for key, (kind, noun) in _MEMBERS.items():
        for row in document[key] or ():
            known[kind, row["oid"], 0] = Object(noun, relations[row["relation"]], row["name"])
    for row in document["sequences"] or ():
        if row["identity"]:
            column = known.get(("pg_class", row["owner_relation"], row["owner_column"]))
            if column is not None:
                known["pg_class", row["relation"], 0] = column
    for row in document["routines"] or ():
        known["pg_proc", row["oid"], 0] = Object("routine", Name(row["schema"], row["name"]), row["arguments"])
    for row in document["statistics"] or ():
        known["pg_statistic_ext", row["oid"], 0] = Object("statistics", Name(row["schema"], row["name"]))
    for row in document["schemas"] or ():
        known["pg_namespace", row["oid"], 0] = Object("schema", Name(None, row["name"]))
    for row in document["extensions"] or ():
        known["pg_extension", row["oid"], 0] = Object("extension", Name(None, row["name"]))
    for row in document["others"] or ():
        known[row["class"], row["oid"], 0] = Object(row["kind"], Name(None, row["name"]))
    return known


def _resolve(
    known: Mapping[_Place, Object], aliases: Mapping[tuple[str, str], dict[str, Any]], place: _Place
) -> Object | None:
    """The object at a place, or the one that stands for it: a row type's table, an array's element, an extension."""
    for _ in range(5):
        found = known.get(place) or known.get((place[0], place[1], 0))
        if found is not None:
            return found
        alias = aliases.get((place[0], place[1]))
        if alias is None:
            return None
        if alias["class"] == "pg_rewrite" and alias["name"]:
            relation = known.get(("pg_class", alias["of_oid"], 0))
            return None if relation is None else Object("rule", relation.name, alias["name"])
        target = (alias["of_class"], alias["of_oid"], alias["number"])
        if alias["class"] == "pg_attrdef" and (default := known.get(("pg_attrdef", *target[1:]))):
            return default
        place = target
    return None
