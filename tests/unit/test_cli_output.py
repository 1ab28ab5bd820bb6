"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pgassay.cli.output import check_writable, colour, save, width
from pgassay.errors import DiskFull, InputError


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save(tmp_path / "r.json", "{}\n")
    finally:
        os.umask(before)
    assert (tmp_path / "r.json").read_text() == "{}\n"
    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o640


def test_an_old_file_is_replaced_in_one_step_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text("old")
    file.chmod(0o600)
    with file.open() as reader:
        save(file, "new")
        assert reader.read() == "old"
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real").write_text("old")
    save(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    save(tmp_path / "null", "words")
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    with pytest.raises(DiskFull, match="/dev/full could not be written"):
        save(Path("/dev/full"), "words" * 10_000)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        save(tmp_path / "gone" / "r.json", "words")
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError):
        check_writable(tmp_path / "taken")
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


def test_bytes_of_file_names_survive(tmp_path: Path) -> None:
    save(tmp_path / "r.txt", "b\udce4d · x")
    assert (tmp_path / "r.txt").read_bytes() == b"b\\udce4d \xc2\xb7 x"


def test_prose_is_as_wide_as_the_terminal_up_to_120_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert width() == 77
    monkeypatch.setenv("COLUMNS", "300")
    assert width() == 120


def test_what_is_no_terminal_gets_no_colour() -> None:
    assert not colour(True)
