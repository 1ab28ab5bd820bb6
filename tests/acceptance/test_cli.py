"""``pgassay review`` from the outside: exit codes, where results go, and what is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from pgassay.report import schema
from tests.acceptance import commands
from tests.acceptance.commands import PGASSAY

BUILD = "CREATE TABLE holder (id bigint PRIMARY KEY, name text);"
INDEX = "CREATE INDEX holder_name_idx ON holder (name);"


def run(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """The command, run to its end. Whatever happens, nobody is shown a traceback."""
    ended = commands.run(*arguments, input=stdin)
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 1, 2), ended.stderr
    return ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations: a table, then an index that blocks it."""
    path = tmp_path / "migrations"
    path.mkdir()
    (path / "001_holder.sql").write_text(BUILD)
    (path / "002_index.sql").write_text(INDEX)
    return path


def test_findings_at_the_threshold_end_with_1_and_others_with_0(folder: Path) -> None:
    assert run("review", folder, "--history").returncode == 1
    lenient = run("review", folder, "--history", "--fail-on", "fails")
    assert lenient.returncode == 0
    unwrapped = "".join(lenient.stdout.split())  # a long path is broken anywhere
    assert "002_index.sql:1blocks·proved·blocking-index-build" in unwrapped
    assert lenient.stderr == ""


def test_a_clean_run_ends_with_0_and_few_lines(tmp_path: Path) -> None:
    (tmp_path / "001.sql").write_text(BUILD)
    ended = run("review", tmp_path / "001.sql")
    assert ended.returncode == 0
    assert "nothing found" in ended.stdout
    assert len(ended.stdout.splitlines()) <= 5


def test_every_format_of_a_real_run(folder: Path, tmp_path: Path) -> None:
    found = {}
    for style in ("json", "handoff", "handoff-yaml", "handoff-compact"):
        file = tmp_path / f"report.{style}"
        ended = run("review", folder, "--history", "--rows", "10", "--format", style, "--output", file)
        assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
        text = file.read_text()
        found[style] = yaml.safe_load(text) if style == "handoff-yaml" else json.loads(text)
    for style in ("json", "handoff", "handoff-compact"):
        jsonschema.validate(found[style], schema(style))
    jsonschema.validate(found["handoff-yaml"], schema("handoff"))
    (finding,) = [f for f in found["json"]["findings"] if f["rule"] == "blocking-index-build"]
    assert finding["fingerprint"] in found["handoff"]["cacheKeys"]
    assert finding["fingerprint"] in found["handoff-compact"]["c"]
    assert found["handoff"]["taskCompletion"]["status"] == "completed"


def test_what_is_unchanged_is_reported_under_the_same_fingerprint(folder: Path) -> None:
    def fingerprints() -> list[str]:
        report = json.loads(run("review", folder, "--history", "--rows", "10", "--format", "json").stdout)
        return [finding["fingerprint"] for finding in report["findings"]]

    before = fingerprints()
    (folder / "002_index.sql").write_text(f"\n-- moved\n\n{INDEX}")
    assert fingerprints() == before != []


def test_standard_input(tmp_path: Path) -> None:  # noqa: ARG001
    assert run("review", "-", stdin=BUILD.encode()).returncode == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no migrations found"),
        ({"001.sql": b"SELECT 1; -- \xe4\n"}, "001.sql:1: is not UTF-8"),
        (
            {"001.sql": b"SELECT 1;\n\nCREATE TABEL b (id int);\n"},
            '001.sql:3: syntax error at or near "TABEL" (column 8)\n    CREATE TABEL b (id int);\n           ^\n',
        ),
        ({"001.sql": b"\\i other.sql\n"}, "001.sql:1: \\i is a psql meta-command"),
        ({"001.sql": b"CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\n\\.\n"}, "001.sql:2: COPY … FROM stdin"),
        (
            {"meta/_journal.json": b'{"version":"7","dialect":"postgresql","entries":[{"idx":0,"tag":"0_gone"}]}'},
            "_journal.json",
        ),
    ],
    ids=["empty", "encoding", "syntax", "psql", "copy", "journal"],
)
def test_bad_input_is_one_clear_message(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    for name, content in files.items():
        file = tmp_path / "bad" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "bad").mkdir(exist_ok=True)
    ended = run("review", tmp_path / "bad", "--output", tmp_path / "report.txt")
    assert ended.returncode == 2
    assert ended.stderr.startswith("pgassay: ")
    assert words in ended.stderr
    assert ended.stdout == ""
    assert [each.name for each in tmp_path.iterdir()] == ["bad"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no/such/folder"], "no/such/folder: no such file or folder"),
        (["--history", "--base", "main", "{folder}"], "contradict"),
        (["--kind", "nope", "{folder}"], "there is no kind 'nope'"),
        (["--workload", "no/such/file", "{folder}"], "no/such/file"),
        (["--base", "no-such-ref", "{folder}"], "git"),
        (["--postgres-bin", "/no/such/bin", "{folder}"], "/no/such/bin"),
        (["--database", "postgresql://me:secret@127.0.0.1:1/db", "{folder}"], "Cannot use the database"),
    ],
)
def test_wrong_usage_is_one_clear_message(folder: Path, arguments: list[str], words: str) -> None:
    ended = run("review", *(argument.format(folder=folder) for argument in arguments))
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "secret" not in ended.stderr


def test_a_statement_that_never_ends_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "001.sql").write_text("SELECT 1;\nSELECT pg_sleep(1000);")
    ended = run("review", tmp_path, "--statement-timeout", "0.5")
    assert ended.returncode == 2
    assert "001.sql:2: this statement did not end within 0.5 s" in ended.stderr


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "001.sql").write_text('CREATE TABLE "[red]\x1b[2J" (id int, b text);')
    (tmp_path / "002.sql").write_text('CREATE INDEX i ON "[red]\x1b[2J" (b);')
    ended = run("review", tmp_path, "--history", "--rows", "10", "--verbose")
    assert ended.returncode == 1
    assert "\x1b" not in ended.stdout + ended.stderr
    assert r"[red]\x1b[2J" in ended.stdout


def on_terminal(*arguments: str, **environment: str) -> str:
    """What a terminal of 100 columns is shown."""
    ours, theirs = pty.openpty()
    surroundings = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    process = subprocess.Popen(
        [PGASSAY, *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs,
        env=surroundings | {"TERM": "xterm", "COLUMNS": "100"} | environment,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal with EIO
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    process.wait(timeout=60)
    return shown.decode()


def test_a_terminal_gets_colour_and_progress(folder: Path) -> None:
    path = str(folder)
    coloured = on_terminal("review", path, "--history", "--rows", "10")
    assert "\x1b[1;33mblocks" in coloured
    assert "reading" in coloured
    for plain in (
        on_terminal("review", path, "--history", "--rows", "10", "--quiet", "--no-colour"),
        on_terminal("review", path, "--history", "--rows", "10", "--quiet", NO_COLOR="1"),
    ):
        assert "\x1b" not in plain
        assert "reading" not in plain


@pytest.fixture
def own_home() -> Iterator[Path]:
    """A place for servers of one test alone. Searchable by the server's user, as pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="pgassay-test-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_review_leaves_nothing(tmp_path: Path, own_home: Path, number: int, code: int) -> None:
    (tmp_path / "001.sql").write_text("SELECT pg_sleep(1000);")
    output = tmp_path / "report.json"
    process = subprocess.Popen(
        [PGASSAY, "review", str(tmp_path), "--verbose", "--format", "json", "--output", str(output)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PGASSAY_HOME": str(own_home)},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(r"001\.sql:1$", line.rstrip()):
            break
    process.send_signal(number)
    words = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert words.strip().endswith("pgassay: interrupted")
    assert "Traceback" not in words
    assert not output.exists()
    assert list((own_home / "runs").iterdir()) == []
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(own_home) in _read(p)]
    assert left == []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
