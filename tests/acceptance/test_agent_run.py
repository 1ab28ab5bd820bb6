"""The agent end to end: models are played by scripts, everything else is real."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import RequestUsage

from pgassay.agent.docs import Documentation
from pgassay.agent.policy import shipped
from pgassay.agent.routing import Facts
from pgassay.agent.run import Setup, run
from pgassay.agent.state import load
from pgassay.agent.tasks import Task, assign
from pgassay.report import Handoff, schema

BASE = """-- migrate:up
CREATE TABLE token (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  symbol varchar(32) NOT NULL,
  note varchar(200)
);
-- migrate:down
DROP TABLE token;
"""
GOOD = """-- migrate:up
ALTER TABLE token ADD COLUMN paused boolean;
-- migrate:down
ALTER TABLE token DROP COLUMN paused;
"""
BAD = """-- migrate:up
ALTER TABLE token DROP COLUMN note;
-- migrate:down
ALTER TABLE token ADD COLUMN note varchar(200);
"""
SILENCED = BAD.replace("ALTER TABLE token DROP", "-- pgassay: allow dropped-column, fine\nALTER TABLE token DROP", 1)
FILE = "db/migrations/20260102000000_more.sql"

Step = ModelResponse | Exception | type[BaseException]


def call(tool: str, **arguments: Any) -> ModelResponse:
    return ModelResponse(parts=[ToolCallPart(tool, arguments)])


def finish(status: str = "completed", outcome: str = "all done, gates are green", **more: Any) -> ModelResponse:
    return call("finish", status=status, outcome=outcome, **more)


@dataclass
class Script:
    """A model that says one step after the other, then the last one for ever; ``seen`` is what it was sent."""

    steps: Sequence[Step]
    seen: list[list[ModelMessage]] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    def model(self, name: str = "script") -> Model:
        def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            self.seen.append(messages)
            self.limits.append((info.model_settings or {}).get("max_tokens", 0))
            said = sum(isinstance(m, ModelResponse) for m in messages)
            step = self.steps[min(said, len(self.steps) - 1)]
            if isinstance(step, ModelResponse):
                return step
            raise step

        return FunctionModel(answer, model_name=name)

    def results(self) -> list[str]:
        """What the tools returned, as the model saw it."""
        parts = [p for m in self.seen[-1] for p in m.parts if isinstance(p, ToolReturnPart)]
        return [p.model_response_str() for p in parts]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "db/migrations").mkdir(parents=True)
    (folder / "db/migrations/20260101000000_base.sql").write_text(BASE)
    return folder


def do(
    project: Path,
    make: Callable[[str], Model] | Script,
    *tasks: Task,
    task: str = "Add a flag to the token table",
    globs: Sequence[str] = ("db/**",),
    resume: bool = False,
    transcript: Path | None = None,
    secrets: tuple[str, ...] = (),
    docs: Documentation | None = None,
    **options: Any,
) -> Handoff:
    chosen = tasks or (Task(id="a", task=task),)
    script = make
    setup = Setup(
        project=project, globs=tuple(globs), secrets=secrets,
        make=(lambda name: script.model(name)) if isinstance(script, Script) else script,
        docs=docs or Documentation(root=project, server="off"), **options,
    )  # fmt: skip
    state = load(project.parent / "state.json", chosen, resume=resume, secrets=secrets, transcript=transcript)
    decisions = assign(chosen, lambda _: Facts(), shipped())
    whole = asyncio.run(run(chosen, decisions, setup, state))
    jsonschema.validate(json.loads(msgspec.json.encode(whole)), schema("handoff"))
    return whole


def test_a_good_one_is_completed_by_what_ran(project: Path) -> None:
    following = {"agent": "api-agent", "task": "use it", "paths": [FILE, "src/not-there.ts"]}
    script = Script(
        [
            call("list_files"),
            call("read_file", path="db/migrations/20260101000000_base.sql"),
            call("write_file", path=FILE, content=GOOD),
            call("review"),
            finish(next=[following]),
        ]
    )
    whole = do(project, script)
    assert whole.task_completion.status == "completed", whole.task_completion
    (file,) = whole.deliverables.files_modified
    assert (file.path, file.change_type, file.lines_added, file.lines_removed) == (FILE, "created", 4, 0)
    gates = whole.quality_gates
    assert (gates.tests.integration_tests, gates.tests.coverage, gates.security.vulnerabilities) == ("passed", 100.0, 0)
    (ready,) = [r for r in whole.context_handoff.ready_for_agents if r.agent == "api-agent"]
    assert ready.required_context == (FILE,), "only what is really there"
    assert "anthropic:claude-sonnet-5-5 (default, rule schema)" in whole.summary.key_decisions[0]
    assert whole.metrics.tokens_used > 0 and whole.cache_keys[0].startswith("none:drizzle-orm")
    assert not (project.parent / "state.json").exists()
    assert all('"note":"The value of untrusted' in r or "written" in r or "Final" in r for r in script.results())


def test_a_lazy_one_is_not_completed(project: Path) -> None:
    script = Script([finish()])
    whole = do(project, script)
    assert whole.task_completion.status == "partial"
    assert "nothing was run" in (whole.task_completion.partial_reason or "")
    assert whole.quality_gates.tests.integration_tests == "pending"
    assert len(script.seen) == 4, "sent back so many times"


LIES = {
    "what loses data": (FILE, BAD, "dropped-column"),
    "what fails": (FILE, BAD.replace("note;", "nothing;", 1), "fails"),
    "what was silenced": (FILE, SILENCED, "allowed by a comment of the agent's own"),
    "what nothing would run": ("db/migrations/later.txt.sql", BAD, ""),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_one_cannot_reach_completed(project: Path, lie: str) -> None:
    path, text, reason = LIES[lie]
    claim = finish(outcome="All tests passed, security reviewed, 100 % coverage.", decisions=["gates: passed"])
    whole = do(project, Script([call("write_file", path=path, content=text), claim]))
    assert whole.task_completion.status == ("blocked" if lie == "what fails" else "partial")
    assert whole.quality_gates.tests.integration_tests != "passed"
    assert reason in json.dumps(msgspec.to_builtins(whole.task_completion))
    assert whole.quality_gates.security.manual_review_needed


def example(project: Path, migrations: int) -> dict[str, Any]:
    """The example as it was after so many migrations; its journal."""
    shutil.copytree("examples/token-registry", project)
    journal: dict[str, Any] = json.loads((project / "drizzle/meta/_journal.json").read_text())
    for entry in journal["entries"][migrations:]:
        (project / f"drizzle/{entry['tag']}.sql").unlink()
    del journal["entries"][migrations:]
    (project / "drizzle/meta/_journal.json").write_text(json.dumps(journal))
    return journal


def test_what_was_there_before_is_not_held_against_it(tmp_path: Path) -> None:
    """The example has an index build that blocks; a migration that adds nothing bad is completed."""
    project = tmp_path / "project"
    entries = example(project, 3)
    entries["entries"].append(entries["entries"][-1] | {"idx": 3, "tag": "0003_note", "when": 1900000000000})
    write = call(
        "write_file", path="drizzle/0003_note.sql", content='ALTER TABLE "token" ADD COLUMN "note" varchar(80);'
    )
    listed = call("write_file", path="drizzle/meta/_journal.json", content=json.dumps(entries))
    whole = do(project, Script([write, listed, finish()]), globs=["drizzle/**"])
    assert whole.task_completion.status == "completed", whole.task_completion
    assert " 0 new findings" in whole.summary.primary_outcome
    assert ", 0 from before" not in whole.summary.primary_outcome


def test_a_looping_one_is_stopped(project: Path) -> None:
    script = Script([call("rule", id="dropped-column")])
    whole = do(project, script)
    assert whole.task_completion.status == "partial"
    assert "round in circles" in (whole.task_completion.partial_reason or "")
    assert len(script.seen) == 4
    talking = Script([ModelResponse(parts=[TextPart("I am thinking about it.")])])
    assert do(project, talking).task_completion.status == "partial"
    busy = Script([call("read_file", path="db/migrations/20260101000000_base.sql", offset=n) for n in range(9)])
    assert "5 steps" in (do(project, busy, steps=5).task_completion.partial_reason or "")


def test_over_budget(project: Path) -> None:
    script = Script([call("list_files"), *(call("read_file", path="a", offset=n) for n in range(90)), finish()])
    whole = do(project, script, budget=30_000)
    assert whole.task_completion.status == "partial"
    assert "over budget" in (whole.task_completion.partial_reason or "")
    assert 0 < whole.metrics.tokens_used <= 30_000
    assert all(256 <= limit <= 8_192 for limit in script.limits)
    late = do(project, script, seconds=0.0)
    assert "seconds are over" in (late.task_completion.partial_reason or "")


def test_a_provider_that_is_down(project: Path) -> None:
    good = Script([call("list_files"), call("check"), finish()])
    asked: list[str] = []

    def make(name: str) -> Model:
        asked.append(name)
        down = Script([call("list_files"), ModelAPIError(name, "overloaded")])
        return (down if name == "anthropic:claude-sonnet-5-5" else good).model(name)

    whole = do(project, make)
    assert whole.task_completion.status == "completed"
    assert asked == ["anthropic:claude-sonnet-5-5", "anthropic:claude-opus-5-5"]
    assert any("did not serve" in d for d in whole.summary.key_decisions)
    assert "Model anthropic:claude-opus-5-5" in whole.summary.key_decisions[0]
    assert len([m for m in good.seen[0] if isinstance(m, ModelResponse)]) == 1, "from where the first one stood"
    asked.clear()
    secure = do(project, make, task="Row level security for token")
    assert secure.task_completion.status == "completed" and asked == ["anthropic:claude-opus-5-5"]

    def broken(name: str) -> Model:
        raise ImportError(f"no {name}")

    whole = do(project, broken)
    assert whole.task_completion.status == "blocked"
    assert "no model could be reached" in whole.task_completion.blockers[0]
    assert (project.parent / "state.json").exists(), "to be resumed"


def test_interrupted_and_resumed_without_secrets(project: Path) -> None:
    (project / "README.md").write_text(
        "connect to postgres://app:hunter2hunter2@db/app with sk-ant-abcdefghijklmnopqrst\n"
    )
    (project / ".env").write_text("PASSWORD=hunter2hunter2\n")
    transcript = project.parent / "transcript.jsonl"
    steps: list[Step] = [
        call("read_file", path="README.md"),
        call("read_file", path=".env"),
        call("write_file", path=FILE, content=GOOD),
        KeyboardInterrupt,
    ]
    common: dict[str, Any] = {"transcript": transcript, "secrets": ("a-value-of-the-environment",)}
    task = "Add a flag; the token is a-value-of-the-environment"
    with pytest.raises(KeyboardInterrupt):
        do(project, Script(steps), task=task, **common)
    state = project.parent / "state.json"
    assert state.stat().st_mode & 0o777 == 0o600
    script = Script([*steps[:3], finish()])
    whole = do(project, script, task=task, resume=True, **common)
    assert whole.task_completion.status == "completed"
    assert len(script.seen) == 1, "only what was still to be done"
    assert [f.path for f in whole.deliverables.files_modified] == [FILE]
    said = transcript.read_text()
    assert "README.md" in said and "[secret]" in said
    for secret in ("hunter2", "sk-ant-abc", "a-value-of-the-environment"):
        assert secret not in said
        assert secret not in str(script.seen), "nor does a model see it"
    assert len(said.splitlines()) == 9
    assert "may hold secrets" in said


def test_several_tasks(project: Path) -> None:
    tasks = (
        Task(id="flag", task="Add a flag to token"),
        Task(id="docs", task="Document the flag", needs=("flag",)),
        Task(id="check", task="Check the schema"),
    )
    flag = Script([call("write_file", path=FILE, content=GOOD), finish()])
    docs = Script([call("check"), call("write_file", path="README.md", content="A flag.\n"), finish()])
    check = Script([call("check"), finish()])

    def make(name: str) -> Model:
        def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            first = str(messages[0])
            script = flag if "Add a flag" in first else docs if "Document the flag" in first else check
            model = script.model(name)
            assert isinstance(model, FunctionModel) and model.function is not None
            made = model.function(messages, info)
            assert isinstance(made, ModelResponse)
            made.usage = RequestUsage(input_tokens=100, output_tokens=10)
            return made

        return FunctionModel(answer, model_name=name)

    whole = do(project, make, *tasks, globs=["db/**", "README.md"])
    requests = sum(len(script.seen) for script in (flag, docs, check))
    assert whole.metrics.tokens_used == requests * 110, "each pays for its own, though they run beside each other"
    assert whole.task_completion.status == "completed", whole.task_completion
    assert {f.path for f in whole.deliverables.files_modified} == {FILE, "README.md"}
    assert "Done before, as flag" in str(docs.seen[0])
    levels = {d.split(": ")[0]: d for d in whole.summary.key_decisions if ": Model " in d}
    assert "critical path" in levels["flag"] and "opus" in levels["flag"]
    assert "sonnet" in levels["docs"] and "sonnet" in levels["check"]
    lying = Script([call("write_file", path=FILE, content=BAD), finish()])
    flag.steps = lying.steps
    (project / FILE).unlink()
    whole = do(project, make, *tasks, globs=["db/**"])
    assert whole.task_completion.status == "blocked"
    assert any("docs: it needs flag (partial)" in b for b in whole.task_completion.blockers)


@pytest.mark.parametrize(
    "path",
    ["../out.sql", "/etc/cron.d/x", "README.md", ".git/hooks/pre-commit", "db/.env", "db/../../x", "db/link/x.sql"],
)
def test_what_it_may_not_write(project: Path, path: str) -> None:
    (project / "db/link").symlink_to(project.parent)
    questions: list[str] = []

    def ask(what: str) -> bool:
        questions.append(what)
        return False

    script = Script([call("write_file", path=path, content="x"), finish("blocked", "may not")])
    whole = do(project, script, ask=ask)
    assert whole.deliverables.files_modified == () and whole.task_completion.status == "blocked"
    assert '"failed":"Refused"' in script.results()[0].replace(" ", "")
    assert questions == (["write README.md"] if path == "README.md" else [])
    assert sorted(p.name for p in project.parent.iterdir()) == ["project", "state.json"] or not any(
        p.name in ("out.sql", "x", "x.sql") for p in project.parent.iterdir()
    )
