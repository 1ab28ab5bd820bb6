"""The texts: read from the files beside this one, and put together for each client."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pgassay import __version__

_HERE = Path(__file__).parent
BEGIN, END = "<!-- pgassay: begin -->", "<!-- pgassay: end -->"
ABOUT = (
    "PostgreSQL expert: schema design, migrations, query tuning, row security. Use for any change to tables, "
    "migrations, SQL queries or indexes. Measures on disposable servers instead of guessing."
)


def instructions() -> str:
    """What a database expert does with the tools, and how it hands over."""
    return (_HERE / "expert.md").read_text(encoding="utf-8")


def subagent() -> str:
    """A subagent of Claude Code."""
    return f"---\nname: database-expert\ndescription: {json.dumps(ABOUT)}\n---\n\n{instructions()}"


def skill() -> str:
    """A skill: the same, for whoever does the work itself."""
    return f"---\nname: pgassay\ndescription: {json.dumps(ABOUT)}\n---\n\n{instructions()}"


def cursor_rule() -> str:
    """A rule of Cursor, which it takes up where the description fits."""
    return f"---\ndescription: {json.dumps(ABOUT)}\nalwaysApply: false\n---\n\n{instructions()}"


def chat_mode() -> str:
    """An agent of VS Code."""
    return f"---\nname: database-expert\ndescription: {json.dumps(ABOUT)}\n---\n\n{instructions()}"


def hints() -> str:
    """The block in AGENTS.md, between its markers."""
    text = (_HERE / "hints.md").read_text(encoding="utf-8").strip()
    return f"{BEGIN}\n{text}\n{END}\n"


def sealed(text: str) -> str:
    """With a last line by which a later version knows that nobody has changed it since."""
    return f"{text.rstrip()}\n\n<!-- pgassay agent install: {_sum(text)} -->\n"


def untouched(text: str) -> bool:
    """Whether a file is one of ours, of whatever version, and as it was written."""
    body, found, seal = text.rpartition("\n\n<!-- pgassay agent install: ")
    return bool(found) and seal == f"{_sum(body)} -->\n"


def _sum(text: str) -> str:
    return hashlib.sha256(text.rstrip().encode()).hexdigest()[:16]


def plugin() -> dict[str, str]:
    """The files of the Claude Code plugin, by path."""
    about = {
        "name": "pgassay",
        "version": __version__,
        "description": ABOUT,
        "license": "Apache-2.0",
        "keywords": ["postgresql", "migrations", "database"],
    }
    server = {"command": "pgassay", "args": ["mcp", "--project", "${CLAUDE_PROJECT_DIR:-.}"]}
    return {
        ".claude-plugin/plugin.json": _json(about),
        ".mcp.json": _json({"mcpServers": {"pgassay": server}}),
        "agents/database-expert.md": subagent(),
        "skills/pgassay/SKILL.md": skill(),
        "README.md": (_HERE / "plugin.md").read_text(encoding="utf-8"),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
