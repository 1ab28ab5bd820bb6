"""Statements of PostgreSQL's logs (manual, chapter 19.8): plain, csv and JSON, with auto_explain's plans too.

What ``log_min_duration_statement``, ``log_statement`` and ``auto_explain`` write is read; whatever prefix a line has.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SEVERITY = re.compile(
    r"(?:^|[\s:\]])(LOG|DETAIL|ERROR|WARNING|NOTICE|INFO|FATAL|PANIC|DEBUG\d?|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):"
    r"  (.*)\Z",
    re.DOTALL,
)
_TIMED = re.compile(
    r"duration: (?P<ms>[\d.]+) ms"
    r"(?:  (?P<what>statement|execute [^\n:]*|plan|parse [^\n:]*|bind [^\n:]*):\s*(?P<text>.*))?\Z",
    re.DOTALL,
)
_PLAIN = re.compile(r"(?:statement|execute [^\n:]*): (?P<text>.*)\Z", re.DOTALL)
_DETAIL = re.compile(r"[Pp]arameters: (.*)\Z", re.DOTALL)
_VALUE = re.compile(r"\$(\d+) = (?:NULL|'((?:[^']|'')*)')")
_PLAN_LINE = re.compile(r"^\s*(?:Query Parameters: .*|.*\(cost=[\d.]+\.\.[\d.]+ rows=.*)$")
OF_AN_APPLICATION = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|VALUES|TABLE)\b", re.I | re.S
)

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of a statement. ``parameters`` by number; ``ms`` None where the log does not time it."""

    text: str
    ms: float | None
    parameters: tuple[str | None, ...] | None
    line: int


@dataclass(frozen=True, slots=True)
class _Message:
    session: str
    text: str
    detail: str
    line: int


def entries(lines: Iterable[str], style: str) -> Iterator[Entry]:
    """The runs of a log of the style ``csv``, ``json`` or ``log``; lines that cannot be read are passed over."""
    messages = {"csv": _of_csv, "json": _of_json}.get(style, _of_text)(lines)
    told: dict[str, tuple[str, bool]] = {}  # a session's last run, told by its plan or by its duration alone
    for message in messages:
        timed = _TIMED.match(message.text)
        if timed is None:
            plain = _PLAIN.match(message.text)
            if plain is not None and OF_AN_APPLICATION.match(plain["text"]):
                yield Entry(plain["text"].strip(), None, _parameters(message.detail), message.line)
            continue
        what, text = timed["what"] or "", (timed["text"] or "").strip()
        if what == "plan":
            text, values = _of_plan(text)
        elif what == "statement" or what.startswith("execute"):
            text, values = text.removesuffix(";"), _parameters(message.detail)
        else:
            continue
        if not OF_AN_APPLICATION.match(text):
            continue
        if told.pop(message.session, None) == (text, what != "plan"):
            continue  # the same run: auto_explain and log_min_duration_statement tell of it, in either order
        told[message.session] = (text, what == "plan")
        yield Entry(text, float(timed["ms"]), values, message.line)


def _parameters(detail: str) -> tuple[str | None, ...] | None:
    match = _DETAIL.match(detail.strip())
    return _listed(match[1]) if match else None


def _listed(text: str) -> tuple[str | None, ...] | None:
    found = [(int(m[1]), None if m[2] is None else m[2].replace("''", "'")) for m in _VALUE.finditer(text)]
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        return None
    return tuple(value for _, value in found) or None


def _of_plan(text: str) -> tuple[str, tuple[str | None, ...] | None]:
    """The statement of auto_explain's words, in its text or JSON format."""
    if text.startswith("{"):
        try:
            plan = json.loads(text)
        except ValueError:
            return "", None
        return str(plan.get("Query Text", "")).strip().removesuffix(";"), _listed(str(plan.get("Query Parameters", "")))
    if not text.startswith("Query Text:"):
        return "", None
    kept: list[str] = []
    values = None
    for line in text.removeprefix("Query Text:").split("\n"):
        if _PLAN_LINE.match(line):
            if line.strip().startswith("Query Parameters: "):
                values = _listed(line)
            break
        kept.append(line)
    return "\n".join(kept).strip().removesuffix(";"), values


def _of_text(lines: Iterable[str]) -> Iterator[_Message]:
    """Messages begin with a severity; the lines that follow begin with a tab; DETAIL belongs to the message before."""
    parts: dict[str, list[str]] = {}
    kind, first = "", 0
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\n").rstrip("\r")
        match = None if line.startswith("\t") else _SEVERITY.search(line)
        if match is None:
            if kind:
                parts[kind].append(line.removeprefix("\t"))
            continue
        kind = match[1]
        if kind not in ("DETAIL", "HINT", "CONTEXT", "STATEMENT", "QUERY", "LOCATION"):
            if "LOG" in parts:
                yield _message(parts, first)
            parts, first = {}, number
        parts[kind] = [match[2]]
    if "LOG" in parts:
        yield _message(parts, first)


def _message(parts: dict[str, list[str]], line: int) -> _Message:
    return _Message("", "\n".join(parts["LOG"]), "\n".join(parts.get("DETAIL", ())), line)


def _of_csv(lines: Iterable[str]) -> Iterator[_Message]:
    reader = csv.reader(line.replace("\0", "") for line in lines)
    while True:
        first = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
        if len(row) > 14 and row[11] == "LOG":
            yield _Message(row[3], row[13], row[14], first)


def _of_json(lines: Iterable[str]) -> Iterator[_Message]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("error_severity") == "LOG":
            yield _Message(str(row.get("pid", "")), str(row.get("message", "")), str(row.get("detail", "")), number)
