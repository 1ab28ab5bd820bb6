"""Every command that hands off: its hand-off validates, and both forms go there and back."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner

from pgassay.agent import expert
from pgassay.cli import main
from pgassay.report import Compact, Handoff, compact, expand, schema

UP = """-- migrate:up
CREATE TABLE token (id bigint PRIMARY KEY, symbol varchar(32) NOT NULL, note varchar(90));
-- migrate:down
DROP TABLE token;
"""
MORE = """-- migrate:up
ALTER TABLE token DROP COLUMN note;
-- migrate:down
ALTER TABLE token ADD COLUMN note varchar(90);
"""
SUBGRAPH = """
type Holder @entity { id: ID! balance: BigInt! }
type Token @entity { id: ID! symbol: String! holder: Holder! }
"""
FUNDS = """
CREATE TABLE fund (id bigint PRIMARY KEY, tenant_id bigint NOT NULL);
ALTER TABLE fund ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON fund USING (tenant_id = current_setting('app.tenant_id')::bigint);
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "db/migrations").mkdir(parents=True)
    (tmp_path / "db/migrations/20260101000000_base.sql").write_text(UP)
    (tmp_path / "db/migrations/20260102000000_more.sql").write_text(MORE)
    (tmp_path / "queries.sql").write_text("SELECT id FROM token WHERE symbol = 'A';\n")
    (tmp_path / "funds.sql").write_text(FUNDS)
    (tmp_path / "schema.graphql").write_text(SUBGRAPH)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


COMMANDS = {
    "review": "review .",
    "check": "check .",
    "secure": "secure funds.sql",
    "tune": "tune . --workload queries.sql --time 5s --rows 500",
    "design": "design --subgraph schema.graphql --out made --events 1000",
    "migrate plan": "migrate plan .",
    "migrate down": "migrate down --prove .",
    "agent run": "agent run look --project . --docs off --model test --reason test",
}


def handed(words: str) -> str:
    result = CliRunner().invoke(main, [*words.split(), "--format", "handoff", "--quiet"])
    assert result.exit_code in (0, 1), result.output
    return result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_hands_off(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expert, "tools", list)  # the model of this test would call each of them
    text = handed(COMMANDS[command])
    jsonschema.validate(json.loads(text), schema("handoff"))
    whole = msgspec.json.decode(text, type=Handoff)
    assert json.loads(msgspec.json.encode(whole)) == json.loads(text)
    short = compact(whole)
    line = msgspec.json.encode(short)
    jsonschema.validate(json.loads(line), schema("handoff-compact"))
    assert msgspec.json.decode(line, type=Compact) == short
    again = expand(short)
    jsonschema.validate(json.loads(msgspec.json.encode(again)), schema("handoff"))
    assert compact(again) == short
    assert "passed" not in str(msgspec.to_builtins(again.quality_gates)), "what is not told is not claimed"
    if command == "design":
        neighbours(folder, whole)


def neighbours(folder: Path, whole: Handoff) -> None:
    """Who builds on a design is pointed to files that are there."""
    ready = {r.agent: r.required_context for r in whole.context_handoff.ready_for_agents}
    for agent, name in (
        ("api-agent", "queries.ts"),
        ("subgraph-agent", "entities.json"),
        ("test-agent", "0001_foundation.sql"),
    ):
        paths = [path for path in ready[agent] if path.startswith("made/")]
        assert any(path.endswith(name) for path in paths) and all((folder / path).is_file() for path in paths)
    entities = json.loads((folder / "made/docs/entities.json").read_text())["entities"]
    assert {e["entity"] for e in entities} == {"Holder", "Token"}
    assert all(f"{e['entity']} = {e['table']}" in ready["subgraph-agent"] and e["columns"] for e in entities)
    assert all((folder / path).is_file() for path in whole.deliverables.artifacts_created)
