"""The committed reference is what the code says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pgassay.cli.schema import NAMES as OFFERED
from pgassay.report.schemas import NAMES
from pgassay.rules import registry
from pgassay.workflows.reference import command_page, installed_command, main, outdated, pages, write

COMMITTED = Path(__file__).parents[2] / "docs" / "reference"


def test_the_committed_reference_is_up_to_date() -> None:
    assert outdated(COMMITTED) == [], "run `make docs`"


def test_writing_twice_changes_nothing_and_stale_pages_go(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(pages())
    assert write(tmp_path) == []
    (tmp_path / "rules" / "no-such-rule.md").write_text("gone")
    (tmp_path / "rules" / "index.md").write_text("changed")
    (tmp_path / "cli.md").unlink()
    (tmp_path / "essay.md").write_text("by hand")
    assert outdated(tmp_path) == ["cli.md", "rules/index.md", "rules/no-such-rule.md"]
    write(tmp_path)
    assert outdated(tmp_path) == []
    assert (tmp_path / "essay.md").read_text() == "by hand"
    assert not (tmp_path / "rules" / "no-such-rule.md").exists()


def test_check_writes_nothing_and_says_what_is_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--check"]) == 1
    assert f"out of date: {tmp_path / 'cli.md'}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert main([str(tmp_path)]) == 0
    capsys.readouterr()
    assert main([str(tmp_path), "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_every_rule_has_a_page_that_holds_its_sql() -> None:
    written = pages()
    assert registry()
    for rule in registry():
        assert rule.bad.strip() in written[f"rules/{rule.id}.md"]
        assert f"({rule.id}.md)" in written["rules/index.md"]


def test_the_schemas_are_schemas() -> None:
    schemas = [json.loads(text) for path, text in pages().items() if path.endswith(".schema.json")]
    assert len(schemas) == len(NAMES) == len(OFFERED)
    for each in schemas:
        jsonschema.Draft202012Validator.check_schema(each)


def test_every_option_of_every_command_is_in_the_page() -> None:
    page = command_page(installed_command())
    for name, command in installed_command().commands.items():
        assert f"## pgassay {name}\n" in page
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert all(f"`{option}`" in page for option in parameter.opts)
