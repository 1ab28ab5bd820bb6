"""What an installation changes: files as they are and as they will be, so that they can be shown before."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pgassay.agent.packaging import texts
from pgassay.errors import InputError

Client = Literal["claude", "cursor", "codex", "vscode"]
CLIENTS: tuple[Client, ...] = ("claude", "cursor", "codex", "vscode")
_NAME = "pgassay"
_TOML = re.compile(r"(?:^|\n)# pgassay: begin\n.*?# pgassay: end\n", re.S)
_BLOCK = re.compile(rf"\n?{re.escape(texts.BEGIN)}.*?{re.escape(texts.END)}\n", re.S)
_VARIABLE = "PGASSAY_DATABASE"


Change = Callable[[str | None, Path], str | None]


@dataclass(frozen=True, slots=True)
class Edit:
    """One file: its text now and then; None where there is none."""

    path: Path
    before: str | None
    after: str | None

    def diff(self, root: Path) -> str:
        """The change as a unified diff, with paths relative to the project."""
        name = str(self.path.relative_to(root) if self.path.is_relative_to(root) else self.path)
        old, new = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        lines = difflib.unified_diff(
            old, new, "/dev/null" if self.before is None else name, "/dev/null" if self.after is None else name
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def installing(project: Path, clients: Iterable[Client], *, database: bool = False) -> tuple[Edit, ...]:
    """The edits that install: those that change nothing are left out. Raises InputError for files that are not ours to
    understand. ``database``: the server is given the variable PGASSAY_DATABASE; its value is written nowhere."""
    changed: dict[Path, Change] = {}
    for client in clients:
        changed |= _FILES[client](project, database)
    changed[project / "AGENTS.md"] = _hinted
    return _edits(changed)


def removing(project: Path, clients: Iterable[Client]) -> tuple[Edit, ...]:
    """The edits that take back what was installed for these clients, and nothing that somebody else wrote."""
    chosen = tuple(dict.fromkeys(clients))
    changed: dict[Path, Change] = {}
    for client in chosen:
        for path in _FILES[client](project, False):
            changed[path] = _without_entry if path.suffix in (".json", ".toml") else _without_text
    if all(_gone(project, client) for client in CLIENTS if client not in chosen):
        changed[project / "AGENTS.md"] = _without_hints
    return _edits(changed)


def _gone(project: Path, client: Client) -> bool:
    return not any(edit.before != edit.after for edit in _edits(
        {p: _without_entry for p in _FILES[client](project, False) if p.suffix in (".json", ".toml")}))  # fmt: skip


def _edits(changed: dict[Path, Change]) -> tuple[Edit, ...]:
    edits = []
    for path, change in changed.items():
        if path.is_symlink():
            raise InputError("is a symbolic link; this is not written through it", path=str(path))
        try:
            before = path.read_text(encoding="utf-8") if path.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read: {error}", path=str(path)) from None
        after = change(before, path)
        if after != before:
            edits.append(Edit(path, before, after))
    return tuple(edits)


# Each client's files


def _claude(project: Path, database: bool) -> dict[Path, Change]:
    entry = _entry("${CLAUDE_PROJECT_DIR:-.}", f"${{{_VARIABLE}:-}}" if database else None)
    return {
        project / ".mcp.json": _with_entry("mcpServers", entry),
        project / ".claude/agents/database-expert.md": _with_text(texts.subagent()),
        project / ".claude/skills/pgassay/SKILL.md": _with_text(texts.skill()),
    }


def _cursor(project: Path, database: bool) -> dict[Path, Change]:
    entry = _entry("${workspaceFolder}", f"${{env:{_VARIABLE}}}" if database else None)
    return {
        project / ".cursor/mcp.json": _with_entry("mcpServers", entry),
        project / ".cursor/rules/database-expert.mdc": _with_text(texts.cursor_rule()),
    }


def _vscode(project: Path, database: bool) -> dict[Path, Change]:
    entry = {"type": "stdio"} | _entry("${workspaceFolder}", f"${{env:{_VARIABLE}}}" if database else None)
    return {
        project / ".vscode/mcp.json": _with_entry("servers", entry),
        project / ".github/agents/database-expert.agent.md": _with_text(texts.chat_mode()),
    }


def _codex(project: Path, database: bool) -> dict[Path, Change]:
    lines = [
        "# pgassay: begin", f"[mcp_servers.{_NAME}]", 'command = "pgassay"', 'args = ["mcp", "--project", "."]',
        "tool_timeout_sec = 330", *([f'env_vars = ["{_VARIABLE}"]'] if database else []), "# pgassay: end",
    ]  # fmt: skip
    block = "\n".join(lines) + "\n"

    def change(before: str | None, path: Path) -> str:
        kept = _without_entry(before, path) or ""
        if re.search(rf"^\s*\[mcp_servers\.{_NAME}\]", kept, re.M):
            raise InputError(f"has an entry {_NAME} already, which is not ours", path=str(path))
        return f"{kept.rstrip()}\n\n{block}" if kept.strip() else block

    return {
        project / ".codex/config.toml": change,
        project / ".agents/skills/pgassay/SKILL.md": _with_text(texts.skill()),
    }


_FILES: dict[Client, Callable[[Path, bool], dict[Path, Change]]] = {
    "claude": _claude,
    "cursor": _cursor,
    "codex": _codex,
    "vscode": _vscode,
}


def _entry(project: str, database: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"command": "pgassay", "args": ["mcp", "--project", project]}
    return made | ({"env": {_VARIABLE: database}} if database else {})


def _with_entry(table: str, entry: dict[str, Any]) -> Callable[[str | None, Path], str]:
    def change(before: str | None, path: Path) -> str:
        found = _object(before, path)
        servers = found.setdefault(table, {})
        if not isinstance(servers, dict):
            raise InputError(f"{table} is not an object", path=str(path))
        there = servers.get(_NAME)
        if there is not None and not _is_ours(there):
            raise InputError(f"has an entry {_NAME} already, which is not ours", path=str(path))
        if there == entry:
            return before or ""
        servers[_NAME] = entry
        return _written(found, before)

    return change


def _is_ours(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("command") == "pgassay" and entry.get("args", [])[:1] == ["mcp"]


def _without_entry(before: str | None, path: Path) -> str | None:
    if before is None:
        return None
    if path.suffix == ".toml":
        kept = _TOML.sub("", before)
        return kept if kept.strip() else None
    found = _object(before, path)
    for table in ("mcpServers", "servers"):
        servers = found.get(table)
        if isinstance(servers, dict) and _is_ours(servers.get(_NAME)):
            del servers[_NAME]
            if not servers:
                del found[table]
            return _written(found, before) if found else None
    return before


def _object(before: str | None, path: Path) -> dict[str, Any]:
    if before is None or not before.strip():
        return {}
    try:
        found = json.loads(before)
    except ValueError as error:
        raise InputError(
            f"is no JSON ({error}); with comments in it, it has to be edited by hand", path=str(path)
        ) from None
    if not isinstance(found, dict):
        raise InputError("is no JSON object", path=str(path))
    return found


def _written(found: dict[str, Any], before: str | None) -> str:
    """In the indentation that the file has."""
    match = re.search(r"\n([ \t]+)\S", before or "")
    return json.dumps(found, indent=match[1] if match else 2, ensure_ascii=False) + "\n"


def _with_text(text: str) -> Callable[[str | None, Path], str]:
    def change(before: str | None, path: Path) -> str:
        if before is not None and not texts.untouched(before):
            raise InputError(
                "is not as pgassay wrote it, and is left alone", path=str(path), hint="Move it away, or delete it."
            )
        return texts.sealed(text)

    return change


def _without_text(before: str | None, _path: Path) -> str | None:
    """A file that somebody has changed, or that was never ours, stays."""
    return None if before is not None and texts.untouched(before) else before


def _hinted(before: str | None, _path: Path) -> str:
    kept = _without_hints(before, _path) or ""
    return f"{kept.rstrip()}\n\n{texts.hints()}" if kept.strip() else texts.hints()


def _without_hints(before: str | None, _path: Path) -> str | None:
    if before is None or texts.BEGIN not in before:
        return before
    kept = _BLOCK.sub("", before)
    return kept if kept.strip() else None


def carry_out(edits: Iterable[Edit], root: Path) -> None:
    """Write and remove; folders that became empty go as well. Raises InputError."""
    for edit in edits:
        try:
            if edit.after is not None:
                edit.path.parent.mkdir(parents=True, exist_ok=True)
                edit.path.write_text(edit.after, encoding="utf-8")
                continue
            edit.path.unlink()
            for folder in edit.path.parents:
                if folder == root or not folder.is_relative_to(root) or any(folder.iterdir()):
                    break
                folder.rmdir()
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", path=str(edit.path)) from None
