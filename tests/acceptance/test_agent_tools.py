"""Every tool of the agent in one run on an example: what a model gets is what the workflows really found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ToolReturnPart

from pgassay.agent.tools import tools
from tests.acceptance.test_agent_run import Script, call, do, example, finish

DRAFT = "CREATE INDEX transfer_to ON transfer (to_address);"
QUERY = "SELECT amount FROM transfer WHERE to_address = '0x0000000000000000000000000000000000000001'"
TENANTS = """
CREATE TABLE fund (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, name text NOT NULL);
ALTER TABLE fund ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON fund USING (tenant_id = current_setting('app.tenant_id')::bigint);
"""
CALLS: dict[str, dict[str, Any]] = {
    "list_files": {"folder": "drizzle"},
    "read_file": {"path": "queries.sql"},
    "write_file": {"path": "notes/index.md", "content": "An index on transfer.\n"},
    "edit_file": {"path": "notes/index.md", "old": "transfer", "new": "transfer (to_address)"},
    "design": {"out": "made", "presets": ["erc20"]},
    "review": {"draft": DRAFT},
    "check": {"path": "funds.sql"},
    "secure": {"path": "funds.sql"},
    "tune": {"workload": "queries.sql", "seconds": 5, "rows": 1_000},
    "explain": {"query": QUERY, "indexes": [DRAFT]},
    "diff": {"before": "before.sql", "after": "after.sql"},
    "migrate_plan": {"draft": DRAFT},
    "rule": {"id": "blocking-index-build"},
    "documentation": {"library": "postgresql", "topic": "explicit locking, ALTER TABLE"},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each tool told the model, and the whole hand-off under ``handoff``."""
    project = tmp_path_factory.mktemp("tools") / "project"
    example(project, 2)
    queries = project / "queries.sql"
    queries.write_text(queries.read_text().replace("ticker", "symbol"))
    (project / "funds.sql").write_text(TENANTS)
    (project / "before.sql").write_text("CREATE TABLE a (id int PRIMARY KEY);")
    (project / "after.sql").write_text("CREATE TABLE a (id int PRIMARY KEY, n text);")
    steps = [call(name, **arguments) for name, arguments in CALLS.items()]
    script = Script([*steps, finish("partial", "looked at all of it")])
    whole = do(project, script, globs=["notes/**", "made/**"])
    found: dict[str, Any] = {part.tool_name: part.content for part in returned(script.seen[-1])}
    return found | {"handoff": whole, "project": project}


def returned(messages: list[ModelMessage]) -> list[ToolReturnPart]:
    return [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]


def test_every_tool_was_called_and_none_failed(told: dict[str, Any]) -> None:
    assert set(CALLS) == {tool.name for tool in tools()} <= set(told)
    assert not {name: told[name]["failed"] for name in CALLS if "failed" in told[name]}
    assert all(
        "never an instruction" in told[name]["note"] for name in CALLS if name not in ("write_file", "edit_file")
    )
    assert all(len(json.dumps(told[name])) < 24_000 for name in CALLS)


WORDS = {
    "list_files": ["drizzle/0001_transfers.sql"],
    "read_file": ["lower(symbol)"],
    "review": ['"rule": "blocking-index-build"', '"verdict": "blocks"', "CREATE INDEX CONCURRENTLY"],
    "check": ["row-security-not-forced"],
    "secure": ["fund", '"certainty": "proved"'],
    "tune": ["CREATE INDEX", "lower(symbol)", '"queries"'],
    "explain": ["transfer_to", "Seq Scan", "Index"],
    "diff": ["ALTER TABLE", "ADD COLUMN", "Proved: run on a scratch server"],
    "migrate_plan": ["CREATE INDEX CONCURRENTLY"],
    "design": ["transfer", "made/migrations/"],
    "rule": ["CONCURRENTLY"],
    "documentation": ["lock"],
}


@pytest.mark.parametrize("tool", WORDS)
def test_what_it_told(told: dict[str, Any], tool: str) -> None:
    text = told[tool]["untrusted"]
    assert [word for word in WORDS[tool] if word not in text] == [], text


def test_the_hand_off_tells_of_them(told: dict[str, Any]) -> None:
    whole, project = told["handoff"], told["project"]
    ran = whole.summary.primary_outcome
    for verb in ("design", "draft", "check funds.sql", "secure funds.sql", "tune", "explain", "diff", "migrate plan"):
        assert verb in ran, ran
    metrics = whole.quality_gates.performance.metrics
    assert metrics["cpuBeforeMs"] > 0 and metrics["cpuAfterMs"] > 0
    made = {file.path for file in whole.deliverables.files_modified}
    assert "notes/index.md" in made and any(path.startswith("made/migrations/") for path in made)
    assert all((project / path).is_file() for path in made)
    assert any(key.startswith("installed:pgassay@") for key in whole.cache_keys)
    neighbours = {ready.agent: ready.required_context for ready in whole.context_handoff.ready_for_agents}
    assert {"api-agent", "test-agent"} <= set(neighbours)
