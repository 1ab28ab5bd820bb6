"""The routing table, and how it is read: the shipped one, and a user's over it."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

from pgassay.errors import InputError

Level = Literal["default", "strong"]
LEVELS: tuple[Level, ...] = ("default", "strong")
FILE = "pgassay-agent.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of the table: every condition that is not empty must hold."""

    name: str
    model: Level
    reason: str
    always: bool = False
    words: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    min_tables: int = 0
    min_statements: int = 0
    min_rows: int = 0
    min_bytes: int = 0
    min_named: int = 0
    min_retyped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole table. ``models``: by level, the one that serves first."""

    models: Mapping[Level, tuple[str, ...]]
    rules: tuple[Rule, ...]
    ignore: tuple[str, ...] = ()


@functools.cache
def shipped() -> Policy:
    """The table that comes with pgassay."""
    text = resources.files("pgassay.agent").joinpath("routing.toml").read_text(encoding="utf-8")
    return parse_policy(text, "routing.toml", None)


def read_policy(path: Path) -> Policy:
    """The shipped table under a user's. Raises InputError with the file, and the line where that is known."""
    try:
        return parse_policy(path.read_text(encoding="utf-8-sig"), str(path), shipped())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", path=str(path)) from None


def policy_for(project: Path | None, file: Path | None = None) -> Policy:
    """The table for a project: ``file``, else the project's own, else the shipped one."""
    if file is not None:
        return read_policy(file)
    own = project / FILE if project is not None else Path(FILE)
    return read_policy(own) if own.is_file() else shipped()


def parse_policy(text: str, path: str, below: Policy | None) -> Policy:
    """A table over another. Raises InputError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        raise InputError(f"is no TOML: {error}", path=path, line=int(where[1]) if where else None) from None
    reader = _Reader(text, path)
    reader.known(document, {"models", "rule", "ignore"}, "the file")
    models = dict(below.models) if below else {}
    given = document.get("models", {})
    if not isinstance(given, dict):
        raise reader.wrong("models is a table", "models")
    reader.known(given, LEVELS, "[models]")
    for level, names in given.items():
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not listed or not all(isinstance(n, str) and n.strip() for n in listed):
            raise reader.wrong(f"{level} is the name of a model, or a list of them", level)
        models[cast(Level, level)] = tuple(listed)
    tables = document.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise reader.wrong("rules are tables: write [[rule]] above each", "rule")
    ignore = document.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(w, str) for w in ignore):
        raise reader.wrong("ignore is a list of phrases", "ignore")
    own = tuple(_rule(reader, table, nth) for nth, table in enumerate(tables))
    under = below.rules if below else ()
    return Policy(
        models=models,
        # What must not be weakened stands above a user's own rules, too: a project's file comes with the project.
        rules=(*(r for r in under if _firm(r)), *own, *(r for r in under if not _firm(r))),
        ignore=below.ignore if below else tuple(ignore),
    )


def _firm(rule: Rule) -> bool:
    return rule.always and rule.model == "strong"


_LISTS = ("words", "also", "verdicts", "rules", "columns")
_NUMBERS = ("min_tables", "min_statements", "min_rows", "min_bytes", "min_named", "min_retyped")


def _rule(reader: _Reader, table: dict[str, Any], nth: int) -> Rule:
    where = f"rule {nth + 1}"
    reader.known(table, {f.name for f in fields(Rule)}, where, nth)
    for key in ("name", "model", "reason"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise reader.wrong(f"{where} has no {key}", "[[rule]]", nth)
    if table["model"] not in LEVELS:
        raise reader.wrong(f"model is one of {', '.join(LEVELS)}, not {table['model']!r}", "model", nth)
    for key in _LISTS:
        if not all(isinstance(w, str) and w.strip(" *") for w in table.get(key, [])) or isinstance(table.get(key), str):
            raise reader.wrong(f"{key} is a list of words", key, nth)
    for key in _NUMBERS:
        number = table.get(key, 0)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise reader.wrong(f"{key} is a whole number", key, nth)
    if not isinstance(table.get("always", False), bool):
        raise reader.wrong("always is true or false", "always", nth)
    if not any(table.get(key) for key in (*_LISTS, *_NUMBERS)):
        raise reader.wrong(f"{where} has no condition: it would hold for every task", "[[rule]]", nth)
    values: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in table.items()}
    return Rule(**values)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The text, to find lines in: the TOML library tells none."""

    text: str
    path: str

    def known(self, table: Iterable[str], keys: Iterable[str], where: str, nth: int | None = None) -> None:
        """Refuse keys that nobody knows."""
        for key in table:
            if key not in keys:
                raise self.wrong(f"no setting {key!r} in {where}: there are {', '.join(sorted(keys))}", key, nth)

    def wrong(self, problem: str, key: str, nth: int | None = None) -> InputError:
        """The error, at the first line that begins with the key, behind the ``nth`` [[rule]]."""
        lines = self.text.splitlines()
        heads = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)]
        begin = heads[nth] if nth is not None and nth < len(heads) else 0
        begins = [
            n for n in range(begin, len(lines)) if re.match(rf"\s*\[*\s*{re.escape(key.strip('[]'))}\b", lines[n])
        ]
        return InputError(problem, path=self.path, line=(begins[0] if begins else begin) + 1)
