"""``pgassay design`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pgassay.report import schema
from tests.acceptance.reviews import review
from tests.acceptance.test_cli import run

ABI: list[dict[str, object]] = [
    {"type": "event", "name": "Noted", "inputs": [{"name": "who", "type": "address", "indexed": True}]},
    {"type": "event", "name": "Order", "inputs": [{"name": "value", "type": "int256"}, {"name": "", "type": "bool"}]},
]


def abi(folder: Path, *events: dict[str, object]) -> str:
    path = folder / "Notes.json"
    path.write_text(json.dumps(events))
    return str(path)


def test_migrations_once_then_a_step_a_change(tmp_path: Path) -> None:
    out = tmp_path / "db"
    one, two = ABI
    first = run("design", abi(tmp_path, one), "--out", str(out), "--events", "1000000", "--format", "json")
    assert (first.returncode, first.stderr) == (0, "")
    report = json.loads(first.stdout)
    jsonschema.validate(report, schema("design"))
    assert [Path(w).name for w in report["written"]] == ["0001_foundation.sql", "0002_events.sql"]
    noted = next(t for t in report["tables"] if t["name"] == "noted")
    assert noted["role"] == "event" and noted["topic"].startswith("0x") and 100 < noted["loaded_bytes"] < 1000
    assert (out / "docs" / "storage.md").is_file()

    same = run("design", abi(tmp_path, one), "--out", str(out))
    assert same.returncode == 0 and "Nothing has changed since the last run" in same.stdout

    more = run("design", abi(tmp_path, one, two), "--out", str(out))
    assert more.returncode == 0, more.stderr
    files = sorted(p.name for p in (out / "migrations").iterdir())
    assert files == ["0001_foundation.sql", "0002_events.sql", "0003_add_order_event.sql"]

    refused = run("design", abi(tmp_path, one), "--out", str(out))
    assert refused.returncode == 2
    assert "this would drop what holds data: every row of public.order_event" in refused.stderr
    assert sorted(p.name for p in (out / "migrations").iterdir()) == files
    dropped = run("design", abi(tmp_path, one), "--out", str(out), "--drop", "--format", "handoff")
    assert dropped.returncode == 0, dropped.stderr
    assert json.loads(dropped.stdout)["deliverables"]["artifactsCreated"] == [
        str(out / "migrations" / "0004_drop_order_event.sql")
    ]


def test_a_review_of_the_design_finds_nothing(tmp_path: Path) -> None:
    made = run("design", "--preset", "erc20", "--tenancy", "tenant", "--out", str(tmp_path))
    assert made.returncode == 0, made.stderr
    found = review(tmp_path / "migrations", ".", "--history")
    assert {f["rule"] for f in found.report["findings"] if f["verdict"] != "style"} == set()
    # A further contract's tables belong to the same role: triggers that run as it must reach them.
    more = run("design", "--preset", "erc20", "--preset", "erc721", "--tenancy", "tenant", "--out", str(tmp_path))
    assert more.returncode == 0, more.stderr
    step = next((tmp_path / "migrations").glob("0005_*.sql")).read_text()
    assert "ALTER TABLE public.item_owners OWNER TO registry_owner" in step
    assert review(tmp_path / "migrations", ".", "--history").skipped == {}


def test_settings_come_from_the_file_and_patterns_are_planned(tmp_path: Path) -> None:
    config = tmp_path / "pgassay.toml"
    config.write_text(
        '[design]\npresets = ["erc20"]\nlayout = "compact"\n\n'
        '[[design.pattern]]\nname = "big"\nsql = "SELECT * FROM transfer WHERE value > $1"\n'
    )
    made = run("design", "--config", str(config), "--out", str(tmp_path / "db"))
    assert made.returncode == 0, made.stderr
    assert "layout compact" in made.stdout
    assert "access pattern big reads all of transfer_p0: no index serves it" in made.stdout
    config.write_text(config.read_text().replace("value >", "worth >"))
    refused = run("design", "--config", str(config), "--out", str(tmp_path / "other"))
    assert refused.returncode == 2
    assert 'pgassay.toml:7: access pattern big: column "worth" does not exist' in refused.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to design from"),
        (("nowhere.json",), "no such file, folder or package in node_modules: nowhere.json"),
        (("broken.json",), "broken.json"),
        (("--preset", "erc21"), "no preset 'erc21'"),
        (("--subgraph", "bad.graphql"), "bad.graphql:1: "),
        (("--preset", "erc20", "--schema", "x" * 64), "a name of at most 63 bytes"),
        (("silent.json",), "silent.json: no event in it, so there is nothing to make a table of"),
    ],
)
def test_bad_input_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "silent.json").write_text('[{"type": "function", "name": "f", "inputs": [], "outputs": []}]')
    (tmp_path / "bad.graphql").write_text("type A @entity { id: ID! b: Bee! }")
    monkeypatch.chdir(tmp_path)
    ended = run("design", *arguments, "--out", "db")
    assert ended.returncode == 2
    assert words in ended.stderr and "Traceback" not in ended.stderr
    assert not (tmp_path / "db").exists()


def test_migrations_that_do_not_apply_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_old.sql").write_text("-- migrate:up\nSELECT 1;\nSELECT nothing FROM nowhere;\n-- migrate:down\n")
    ended = run("design", "--preset", "erc20", "--out", str(tmp_path))
    assert ended.returncode == 2
    assert "0001_old.sql:3: it does not apply" in ended.stderr


def test_the_readme_shows_what_the_example_makes(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    config = root / "examples" / "security-token" / "pgassay.toml"
    made = run("design", "--config", str(config), "--out", str(tmp_path), "-q")
    assert made.returncode == 0, made.stderr
    section = (root / "README.md").read_text(encoding="utf-8").partition("## From contracts to a schema")[2]
    shown = [line.strip() for line in section.partition("\n## ")[0].splitlines() if line.startswith("    ")]
    # Bytes differ from machine to machine, folders too, and the command itself is not in its output.
    lines = [x for x in shown[1:] if x and x != "…" and not x.startswith("wrote") and " = " not in x]
    assert len(lines) > 15
    assert [x for x in lines if x not in {y.strip() for y in made.stdout.splitlines()}] == []
