"""``pgassay.toml``: what a design shall be, with the line of what is wrong with it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

from pgassay.chain.model import AccessPattern, Layout, Retention, Settings, Tenancy
from pgassay.chain.names import LIMIT
from pgassay.chain.presets import preset
from pgassay.errors import InputError, PgassayError, SyntaxProblem, UsageError
from pgassay.sql import parse

FILE = "pgassay.toml"
_WIDEST = 2**63 - 1  # bigint; EIP-2294 bounds chain ids below it
_PLACE = re.compile(r"(.*?) ?\(at line (\d+), column (\d+)\)\Z", re.S)
_HEAD = re.compile(r"\s*\[\[?([^\[\],]+)\]\]?\s*(?:#|$)")
_KEY = re.compile(r"\s*([\w\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")
_PATTERN_KEYS = ("name", "sql", "calls")
_ROLES = ("owner", "writer", "reader")


def read_settings(path: Path) -> Settings:
    """Settings of a file. Raises InputError, SyntaxProblem for SQL, with file and line: broken TOML, a key that nobody
    knows, a value of the wrong type or out of range, an access pattern that PostgreSQL cannot parse."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"cannot be read: {reason}", path=str(path)) from None
    return parse_settings(text, str(path))


def parse_settings(text: str, path: str) -> Settings:
    """The same of a text; ``path`` is for messages, and becomes ``Settings.path``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.match(str(error))
        line = int(found[2]) if found else text.count("\n") + 1
        problem = f"{found[1]} (column {found[3]})" if found else str(error).removesuffix(" (at end of document)")
        raise InputError(f"broken TOML: {problem}", path=path, line=line) from None
    except RecursionError:
        raise InputError("broken TOML: brackets too deep", path=path) from None
    reader = _Reader(text, path)
    reader.known(document, ("design",), ())
    design = document.get("design", {})
    if not isinstance(design, dict):
        reader.fail(("design",), "design is a table: write [design]")
    reader.known(design, (*_READERS, "roles", "retention", "pattern"), ("design",))
    values: dict[str, Any] = {
        key: read(reader, ("design", key), design[key]) for key, read in _READERS.items() if key in design
    }
    values |= _roles(reader, design.get("roles", {}))
    values["retention"] = _retention(reader, design.get("retention", {}))
    values["patterns"] = _patterns(reader, design.get("pattern", []))
    settings = Settings(path=path, **values)
    narrow = [c for c in settings.chains if c >= 2**31]
    if narrow and not settings.wide_chain_id:
        hint = "Add wide_chain_id = true: the column is bigint then."
        reader.fail(("design", "chains"), f"chain {narrow[0]} does not fit an integer column", hint=hint)
    return settings


@dataclass(frozen=True, slots=True)
class _Reader:
    """The text, to find lines in: the TOML library tells none."""

    text: str
    path: str

    def fail(self, place: tuple[str, ...], problem: str, *, nth: int = 0, hint: str | None = None) -> NoReturn:
        """Raise InputError at the key that ``place`` leads to, in the ``nth`` table of that name."""
        raise InputError(problem, path=self.path, line=self.line(place, nth), hint=hint)

    def known(self, table: Mapping[str, Any], keys: Collection[str], place: tuple[str, ...], nth: int = 0) -> None:
        """Refuse keys that nobody knows."""
        for key in table:
            if key not in keys:
                close = difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
                hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(sorted(keys))}."
                where = f" in [{'.'.join(place)}]" if place else ""
                self.fail((*place, key), f"no setting {key!r}{where}", nth=nth, hint=hint)

    def line(self, place: tuple[str, ...], nth: int = 0) -> int | None:
        """The line of a key, else of its table's head, in the ``nth`` table of that name; None where it is nowhere."""
        places = list(_places(self.text))
        for written, wanted in ((True, place), (False, place), (False, place[:-1])):
            for line in places:
                if line.key == written and line.path == wanted and line.nth == nth:
                    return line.number
        return next((line.number for line in places if line.path[: len(place)] == place), None)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that a table begins with, or a key; ``nth`` counts the tables of that name."""

    number: int
    path: tuple[str, ...]
    nth: int
    key: bool


def _places(text: str) -> Iterator[_Line]:
    inside: tuple[str, ...] = ()
    tables: Counter[tuple[str, ...]] = Counter()
    quoted = False
    for number, line in enumerate(text.splitlines(), 1):
        within = quoted
        quoted ^= len(re.findall("\"{3}|'{3}", line)) % 2 == 1
        if within:
            continue
        if head := _HEAD.match(line):
            inside = _dotted(head[1])
            tables[inside] += 1
            yield _Line(number, inside, tables[inside] - 1, key=False)
        elif key := _KEY.match(line):
            yield _Line(number, (*inside, *_dotted(key[1])), max(tables[inside] - 1, 0), key=True)


def _dotted(written: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in written.split("."))


def _text(reader: _Reader, place: tuple[str, ...], value: Any, nth: int = 0) -> str:
    if not isinstance(value, str) or not value.strip():
        reader.fail(place, f"{place[-1]} is a text that is not empty", nth=nth)
    if "\0" in value:
        reader.fail(place, f"{place[-1]} holds a NUL", nth=nth)
    return value


def _choice(*options: str) -> Callable[[_Reader, tuple[str, ...], Any], str]:
    def read(reader: _Reader, place: tuple[str, ...], value: Any) -> str:
        if value not in options:
            close = difflib.get_close_matches(str(value), options, n=1)
            hint = f"Did you mean {close[0]}?" if close else None
            reader.fail(place, f"{place[-1]} is one of {', '.join(options)}, not {value!r}", hint=hint)
        return str(value)

    return read


def _whole(reader: _Reader, place: tuple[str, ...], value: Any, most: int = _WIDEST) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        reader.fail(place, f"{place[-1]} is a whole number from 1 to {most}, not {value!r}")
    return value


def _flag(reader: _Reader, place: tuple[str, ...], value: Any) -> bool:
    if not isinstance(value, bool):
        reader.fail(place, f"{place[-1]} is true or false, not {value!r}")
    return value


def _identifier(reader: _Reader, place: tuple[str, ...], value: Any) -> str:
    name = _text(reader, place, value)
    if len(name.encode()) > LIMIT:
        reader.fail(place, f"{name!r} is longer than {LIMIT} bytes, PostgreSQL's limit for names")
    if name.startswith("pg_"):
        reader.fail(place, f"{name!r}: PostgreSQL keeps names with pg_ for itself")
    return name


def _listed(reader: _Reader, place: tuple[str, ...], value: Any) -> list[Any]:
    if not isinstance(value, list):
        reader.fail(place, f'{place[-1]} is a list: write {place[-1]} = ["…"]')
    return value


def _texts(reader: _Reader, place: tuple[str, ...], value: Any) -> tuple[str, ...]:
    return tuple(_text(reader, place, item) for item in _listed(reader, place, value))


def _presets(reader: _Reader, place: tuple[str, ...], value: Any) -> tuple[str, ...]:
    names = _texts(reader, place, value)
    for name in names:
        try:
            preset(name)
        except UsageError as error:
            reader.fail(place, error.problem, hint=error.hint)
    return names


def _chains(reader: _Reader, place: tuple[str, ...], value: Any) -> tuple[int, ...]:
    numbers = tuple(_whole(reader, place, item) for item in _listed(reader, place, value))
    if len(set(numbers)) < len(numbers):
        reader.fail(place, "a chain is there twice")
    return numbers


def _ahead(reader: _Reader, place: tuple[str, ...], value: Any) -> int:
    return _whole(reader, place, value, most=1000)


_READERS: dict[str, Callable[[_Reader, tuple[str, ...], Any], Any]] = {
    "schema": _identifier,
    "layout": _choice(*get_args(Layout)),
    "tenancy": _choice(*get_args(Tenancy)),
    "chains": _chains,
    "wide_chain_id": _flag,
    "partition": _choice("none", "block", "time"),
    "partition_size": _whole,
    "partitions_ahead": _ahead,
    "presets": _presets,
    "abi": _texts,
    "subgraph": _text,
}


def _roles(reader: _Reader, table: Any) -> dict[str, str]:
    place = ("design", "roles")
    if not isinstance(table, dict):
        reader.fail(place, "roles is a table: write [design.roles]")
    reader.known(table, _ROLES, place)
    names = {f"{key}_role": _identifier(reader, (*place, key), value) for key, value in table.items()}
    defaults = {f"{key}_role": getattr(Settings(), f"{key}_role") for key in _ROLES}
    every = {**defaults, **names}
    if len(set(every.values())) < len(every):
        reader.fail((*place, next(iter(table))), "owner, writer and reader are three different roles")
    return names


def _retention(reader: _Reader, table: Any) -> tuple[Retention, ...]:
    place = ("design", "retention")
    if not isinstance(table, dict):
        reader.fail(place, "retention is a table of days kept: write [design.retention]")
    return tuple(
        Retention(name, _whole(reader, (*place, name), days, most=100_000), reader.line((*place, name)))
        for name, days in table.items()
    )


def _patterns(reader: _Reader, tables: Any) -> tuple[AccessPattern, ...]:
    place = ("design", "pattern")
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        reader.fail(place, "access patterns are tables: write [[design.pattern]] above each")
    made: dict[str, AccessPattern] = {}
    for nth, table in enumerate(tables):
        reader.known(table, _PATTERN_KEYS, place, nth)
        for key in ("name", "sql"):
            if key not in table:
                reader.fail((*place, key), f"access pattern {nth + 1} has no {key}", nth=nth)
        name = _text(reader, (*place, "name"), table["name"], nth)
        if name in made:
            reader.fail((*place, "name"), f"{name!r} is the name of two access patterns", nth=nth)
        sql = _text(reader, (*place, "sql"), table["sql"], nth)
        calls = table.get("calls", 1)
        if isinstance(calls, bool) or not isinstance(calls, int | float) or not 0 < calls < float("inf"):
            reader.fail((*place, "calls"), f"calls is a number above 0, a day, not {calls!r}", nth=nth)
        line = reader.line((*place, "sql"), nth) or 0
        _check_sql(reader, name, sql, line)
        made[name] = AccessPattern(name=name, sql=sql.strip(), calls=float(calls), line=line)
    return tuple(made.values())


def _check_sql(reader: _Reader, name: str, sql: str, line: int) -> None:
    opening = reader.text.splitlines()[line - 1] if line else ""
    begins = line + bool(re.search("(\"{3}|'{3})\\s*$", opening))  # TOML leaves out the line break behind the quotes
    try:
        statements = parse(sql, reader.path, first_line=begins or 1)
    except SyntaxProblem:
        raise
    except PgassayError as error:
        raise InputError(f"{name}: {error.problem}", path=reader.path, line=line, hint=error.hint) from None
    if len(statements) != 1:
        raise InputError(
            f"{name} has {len(statements)} statements; an access pattern is one", path=reader.path, line=line
        )
