"""Which parts of the session policies read, and which column each is compared with: from PostgreSQL's own deparser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pgassay.catalog.model import Catalog, Policy, Routine, Table

_SETTING = re.compile(r"current_setting\(\s*'([^']+)'", re.IGNORECASE)
_ROLE = re.compile(r"\b(current_user|session_user|current_role|user)\b(?!\s*[(.=]\s*\w*\()", re.IGNORECASE)
_STEP = re.compile(
    r"(?:\)|\s|::\w+(?:\[\])?|,\s*''(?:::text)?)*#?->>?\s*(?:'\{?([^'}]*)\}?')(?:::[\w\[\] ]+?)?(?=[\s)\-#:=]|$)"
)
_IDENT = r'(?:(?:"(?:[^"]|"")+"|\w+)\.)?("(?:[^"]|"")+"|\w+)'
_LEFT = re.compile(
    _IDENT + r"\)*(?:::[\w .\[\]]+)?\)*\s*(?:=|IN|<@)\s*(?:ANY\s*|SELECT\s|NULLIF\(|COALESCE\(|[\s(]|[\w.]+\()*$",
    re.IGNORECASE,
)
_RIGHT = re.compile(r"^[^=<>&|]*?\)*(?:::[\w .\[\]]+)?\)*\s*(?:=|@>)\s*\(*" + _IDENT + r"(?!\s*\()", re.IGNORECASE)
_JUNCTION = re.compile(r"\b(?:AND|OR)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A place in the session that tells who acts: a setting or, with a ``path``, a part of its JSON. The role itself
    where the setting is empty."""

    setting: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """One place where an expression reads the session, and the column compared with it, if that is plain."""

    sources: tuple[Source, ...]
    column: str | None
    call: str  # as it stands: ``auth.uid()``


def session_functions(catalog: Catalog) -> dict[str, tuple[Source, ...]]:
    """Functions whose result depends on the session, by their qualified and bare names, with what they read."""
    found: dict[str, tuple[Source, ...]] = {}
    for _ in range(4):  # functions that call functions
        before = len(found)
        for routine in catalog.routines:
            sources = tuple(dict.fromkeys(s for read in reads(_body(routine), found) for s in read.sources))
            if sources:
                found[str(routine.name)] = found[routine.name.name] = sources
        if len(found) == before:
            break
    return found


def reads(text: str, functions: Mapping[str, tuple[Source, ...]]) -> list[Read]:
    """Where an expression reads the session."""
    return list(_reads(" ".join(text.split()), functions))


def _reads(text: str, functions: Mapping[str, tuple[Source, ...]]) -> Iterator[Read]:
    spans: list[tuple[int, int, tuple[Source, ...]]] = []
    for match in _SETTING.finditer(text):
        end = _closing(text, match.end())
        path, end = _path(text, end)
        spans.append((match.start(), end, (Source(match[1].lower(), path),)))
    for name in sorted(functions, key=len, reverse=True):
        for match in re.finditer(rf"(?<![\w.\"]){re.escape(name)}\(", text):
            if any(start <= match.start() < end for start, end, _ in spans):
                continue
            path, end = _path(text, _closing(text, match.end()))
            spans.append((match.start(), end, tuple(Source(s.setting, s.path + path) for s in functions[name])))
    for match in _ROLE.finditer(text):
        if not re.search(r"[\w.'\"]$", text[: match.start()]) and not text[match.end() :].startswith("'"):
            spans.append((match.start(), match.end(), (Source(""),)))
    for start, end, sources in spans:
        yield Read(sources, _compared(text, start, end), text[start:end])


def _closing(text: str, at: int) -> int:
    """The end of the call whose argument list ``at`` lies in."""
    depth = 1
    quoted = False
    while at < len(text) and depth:
        if text[at] == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def _path(text: str, at: int) -> tuple[tuple[str, ...], int]:
    steps: list[str] = []
    while match := _STEP.match(text, at):
        steps += [s.strip() for s in match[1].split(",")]
        at = match.end()
    return tuple(steps), at


def _compared(text: str, start: int, end: int) -> str | None:
    left = _LEFT.search(text[:start])
    if left and left[1].lower() not in {"select", "where", "and", "or", "not"}:
        return _plain(left[1])
    right = _RIGHT.match(_JUNCTION.split(text[end:], maxsplit=1)[0])
    return _plain(right[1]) if right and right[1].lower() != "any" else None


def _plain(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


def _body(routine: Routine) -> str:
    return routine.definition if routine.kind == "function" and routine.result != "trigger" else ""


def mentions(text: str, names: Iterable[str]) -> list[str]:
    """Those of some identifiers that an expression names."""
    return [n for n in names if re.search(rf'(?<![\w"]){re.escape(n)}(?![\w"(])|"{re.escape(n)}"', text)]


def texts(policies: Iterable[Policy]) -> list[str]:
    """The expressions of policies."""
    return [text for p in policies for text in (p.using, p.check) if text]


def tenant_columns(catalog: Catalog) -> dict[str, Policy]:
    """Names of columns that policies compare with the session, with the policy that does."""
    functions = session_functions(catalog)
    found: dict[str, Policy] = {}
    for table in catalog.tables:
        for policy in table.policies:
            for read in (r for text in texts([policy]) for r in reads(text, functions)):
                if read.column and table.column(read.column) and not _key(table, read.column):
                    found.setdefault(read.column, policy)
    return found


def _key(table: Table, column: str) -> bool:
    """Whether it is the table's own key (a list of tenants), whose name means nothing elsewhere."""
    key = table.primary_key
    return key is not None and key.columns == (column,)
