"""From a model's name to HTTP and back: the real clients of providers, and servers on loopback that speak as theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from pgassay.cli import main
from pgassay.report import schema
from tests.providers import INPUT, OUTPUT, Answer, Asked, Provider, calls_of, provider, results_of, steps

KEY = "sk-ant-api03-a-key-of-the-tests-0123456789"
SONNET, OPUS = "claude-sonnet-5-5", "claude-opus-5-5"
BASE = "-- migrate:up\nCREATE TABLE token (id bigint PRIMARY KEY, symbol text);\n-- migrate:down\nDROP TABLE token;\n"
MORE = "-- migrate:up\nALTER TABLE token ADD paused boolean;\n-- migrate:down\nALTER TABLE token DROP paused;\n"
FILE = "db/migrations/20260102000000_more.sql"
WRITE: Answer = ("write_file", {"path": FILE, "content": MORE})
LOOK: Answer = ("list_files", {})
DONE: Answer = ("finish", {"status": "completed", "outcome": "done"})
PARTLY: Answer = ("finish", {"status": "partial", "outcome": "looked at it"})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / "db/migrations").mkdir(parents=True)
    (folder / "db/migrations/20260101000000_base.sql").write_text(BASE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return folder


def run(project: Path, at: Provider, task: str, *options: str) -> dict[str, Any]:
    """The hand-off; the key is nowhere in it, nor in what is kept of the run."""
    transcript = project.parent / "transcript.jsonl"
    environment = {"ANTHROPIC_BASE_URL": at.url, "OPENAI_BASE_URL": f"{at.url}/v1"}
    result = CliRunner().invoke(
        main,
        ["agent", "run", task, "--project", str(project), "--docs", "off", "--write", "db/**", "--format", "handoff",
         "--transcript", str(transcript), *options],
        env=environment,
    )  # fmt: skip
    assert result.exit_code in (0, 1), (result.output, result.exception)
    kept = [path.read_text() for path in project.parent.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in (result.output, *kept)), "a key"
    whole: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(whole, schema("handoff"))
    return whole


def test_a_task_over_the_messages_api(project: Path) -> None:
    with provider(steps(WRITE, DONE)) as at:
        whole = run(project, at, "Add a flag to the token table")
    assert whole["taskCompletion"]["status"] == "completed"
    assert whole["qualityGates"]["tests"]["integrationTests"] == "passed"
    assert (project / FILE).read_text() == MORE
    first, second = at.asked
    assert first.body["model"] == SONNET and first.key == KEY
    assert {"review", "tune", "secure", "finish"} <= {tool["name"] for tool in first.body["tools"]}
    assert "Add a flag to the token table" in json.dumps(first.body["messages"])
    assert FILE in results_of(second)[-1]
    assert whole["metrics"]["tokensUsed"] == 2 * (INPUT + OUTPUT), "with what came from the provider's cache"


@pytest.mark.parametrize("trouble", [429, 500, 529, 401, "hang up"])
def test_a_provider_in_trouble(project: Path, trouble: Answer) -> None:
    """The second model goes on where the first one stood."""

    def script(asked: Asked) -> Answer:
        if asked.body["model"] == SONNET:
            return LOOK if calls_of(asked) == 0 else trouble
        return PARTLY

    with provider(script) as at:
        whole = run(project, at, "Document the token table")
    models = [asked.body["model"] for asked in at.asked]
    assert models[0] == SONNET and models[-1] == OPUS and models.count(OPUS) == 1
    assert models.count(SONNET) == (2 if trouble == 401 else 4), "clients try three times where that may help"
    assert FILE.rsplit("/", 1)[0] in results_of(at.asked[-1])[0], "from where the first one stood"
    assert whole["metrics"]["tokensUsed"] == 2 * (INPUT + OUTPUT), "what failed cost nothing"
    decisions = whole["summary"]["keyDecisions"]
    assert decisions[0].startswith(f"Model anthropic:{OPUS} ")
    assert any(f"anthropic:{SONNET} did not serve" in each for each in decisions)


def test_no_weaker_model_stands_in_for_security(project: Path) -> None:
    with provider(lambda _: 529) as at:
        whole = run(project, at, "Row level security for token")
    assert {asked.body["model"] for asked in at.asked} == {OPUS}
    assert whole["taskCompletion"]["status"] == "blocked"
    assert "no model could be reached" in whole["taskCompletion"]["blockers"][0]


def test_another_provider_stands_in(project: Path) -> None:
    """The conversation that Anthropic's API began is one that an OpenAI-compatible server understands."""
    (project / "pgassay-agent.toml").write_text(
        f'[models]\ndefault = ["anthropic:{SONNET}", "openai-chat:a-local-one"]\n'
    )

    def script(asked: Asked) -> Answer:
        if asked.path == "/v1/messages":
            return LOOK if calls_of(asked) == 0 else 529
        return ("read_file", {"path": "db/migrations/20260101000000_base.sql"}) if calls_of(asked) == 1 else PARTLY

    with provider(script) as at:
        whole = run(project, at, "Document the token table")
    assert [asked.path for asked in at.asked][-2:] == ["/v1/chat/completions"] * 2
    assert at.asked[-1].key == KEY
    assert "CREATE TABLE token" in results_of(at.asked[-1])[-1]
    assert whole["summary"]["keyDecisions"][0].startswith("Model openai-chat:a-local-one ")
    assert whole["metrics"]["tokensUsed"] == 3 * (INPUT + OUTPUT)


def test_the_budget_counts_what_the_provider_counts(project: Path) -> None:
    def script(asked: Asked) -> Answer:
        return ("read_file", {"path": "db/migrations/20260101000000_base.sql", "offset": calls_of(asked)})

    with provider(script) as at:
        whole = run(project, at, "Document the token table", "--budget", "27000")
    used = whole["metrics"]["tokensUsed"]
    assert used == len(at.asked) * (INPUT + OUTPUT) and 0 < used <= 27_000
    assert "over budget" in whole["taskCompletion"]["partialReason"]
    assert all(256 <= asked.body["max_tokens"] <= 8_192 for asked in at.asked)


def test_a_model_that_nobody_has(project: Path) -> None:
    with provider(steps(DONE)) as at:
        whole = run(project, at, "Document the token table", "--model", "nobody:none", "--reason", "a slip")
    assert at.asked == [] and whole["taskCompletion"]["status"] == "blocked"
    assert "Unknown model" in whole["taskCompletion"]["blockers"][0]
