"""How commands end, whatever happens to them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from pgassay.cli import main
from pgassay.cli.face import Face
from pgassay.errors import ConnectionProblem, DiskFull, InputError

PGASSAY = [sys.executable, "-m", "pgassay"]


def end(group: click.Group, *arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        group.main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def face(problem: BaseException | None = None, code: int | None = None) -> Face:
    """A face with one command, which raises or returns what it is told."""

    @click.command()
    @click.option("-v", "--verbose", is_flag=True)
    @click.option("--database")
    def work(verbose: bool, database: str | None) -> int | None:  # noqa: ARG001
        if problem is not None:
            raise problem
        return code

    return Face(name="pgassay", commands={"work": work})


@pytest.mark.parametrize(("returned", "expected"), [(None, 0), (0, 0), (1, 1)])
def test_a_command_returns_its_exit_code(returned: int | None, expected: int) -> None:
    assert end(face(code=returned), "work") == expected


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (InputError("is empty", path="a.sql", line=3), 2, "pgassay: a.sql:3: is empty\n"),
        (InputError("no such folder", path="x", hint="Did you mean y?"), 2, "pgassay: x: no such folder\nDid you"),
        (DiskFull("/tmp"), 2, "pgassay: The disk is full: /tmp\n"),
        (OSError(28, "No space left on device", "/tmp/x"), 2, "pgassay: The disk is full: /tmp/x\n"),
        (ConnectionProblem("no route {to} it"), 2, "pgassay: Cannot use the database: no route {to} it\n"),
        (KeyboardInterrupt(), 130, "pgassay: interrupted\n"),
        (InputError("near \x1b]0;owned\x07"), 2, "pgassay: near \\x1b]0;owned\\x07\n"),
    ],
)
def test_a_problem_is_one_clear_message(
    problem: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(face(problem), "work") == code
    printed = capsys.readouterr()
    assert printed.err.lstrip("\n").startswith(words)
    assert printed.out == ""
    assert "Traceback" not in printed.err


def test_our_own_fault_leaves_the_traceback_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(face(ZeroDivisionError("oh")), "work", "--database", "postgresql://u:secret@h/d") == 3
    words = capsys.readouterr().err
    assert words.startswith("pgassay: internal error: ZeroDivisionError: oh\nThis is a bug in pgassay: please report")
    (path,) = re.findall(r"with the file (\S+)\.\n", words)
    saved = Path(path).read_text()
    Path(path).unlink()
    assert "Traceback (most recent call last)" in saved
    assert "secret" not in saved + words


def test_our_own_fault_is_shown_whole_when_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(face(ZeroDivisionError("oh")), "work", "-v") == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "No such command 'nope'."),
        (["review", "--nope"], "No such option"),
        (["review", "--fail-on", "bad"], "'bad' is not one of 'fails', 'loses-data'"),
        (["review", "--format", "pdf"], "'pdf' is not one of 'text', 'json'"),
        (["review", "--rows", "-1"], "-1 is not in the range"),
        (["review", "--statement-timeout", "nan"], "nan is not a number of seconds"),
        (["review", "--statement-timeout", "0"], "0.0 is not a number of seconds"),
        (["review", "--table-rows", "transfers"], "'transfers' is not of the form TABLE=N"),
        (["review", "--table-rows", "=5"], "'=5' is not of the form TABLE=N"),
        (["review", "--table-rows", "t=-5"], "'t=-5' is not of the form TABLE=N"),
        (["review", "--output", "/no/such/folder/x"], "/no/such/folder: no such folder for --output"),
        (["review", "--output", "/"], "is a folder; --output wants a file"),
        (["rules", "blocking-index-buld"], "there is no rule blocking-index-buld\nDid you mean blocking-index-build?"),
        (["schema", "xml"], "'xml' is not one of 'json', 'handoff'"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert end(main, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("pgassay: ")
    assert words in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["review", "-h"], ["--version"], ["rules"]])
def test_help_goes_to_standard_output(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert end(main, *arguments) == 0
    printed = capsys.readouterr()
    assert printed.out
    assert printed.err == ""


def test_starting_loads_nothing_heavy() -> None:
    heavy = "rich yaml pg8000 msgspec postgast jinja2 pgassay.server pgassay.workflows pgassay.report pgassay.sources"
    script = f"import sys, pgassay.cli; print([m for m in {heavy.split()!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


SLEEPER = """
import sys, time, click
from pgassay.cli.face import Face

@click.command()
def work():
    try:
        print("working", flush=True)
        time.sleep(60)
    finally:
        time.sleep(0.3)
        print("cleared up", flush=True)

Face(name="pgassay", commands={"work": work}).main(["work"])
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda v: str(v)
)
def test_a_signal_unwinds(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    if number != signal.SIGINT:  # as `timeout` does: to the process and then to its group
        time.sleep(0.1)
        process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (out, err.strip(), process.returncode) == ("cleared up\n", "pgassay: interrupted", code)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    script = SLEEPER.replace(
        "import sys", "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\nimport sys"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script.replace("sleep(60)", "sleep(0.5)")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=20)[0] == "cleared up\n"
    assert process.returncode == 0


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([*PGASSAY, "schema", "json"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*PGASSAY, "schema", "json"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    assert ended.stderr == "pgassay: The disk is full: standard output could not be written\n"


def test_a_closed_standard_output_is_no_fault() -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *PGASSAY, "schema", "json"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_old_terminal_gets_escapes_not_an_error() -> None:
    code = "from pgassay.cli.output import emit; emit('a · b\\n')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert ended.stdout == b"a \\xb7 b\n"
