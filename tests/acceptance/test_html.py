"""HTML reports: one file that needs nothing else, harmless whatever it shows, and that a browser really draws."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

HOSTILE = """
CREATE TABLE "<script>alert(1)</script>" (id integer PRIMARY KEY, "\u001b[31mred" text);
COMMENT ON TABLE "<script>alert(1)</script>" IS '</style><img src=x onerror=alert(1)>';
ALTER TABLE "<script>alert(1)</script>" ADD COLUMN n integer NOT NULL;
CREATE INDEX ON "<script>alert(1)</script>" (n);
"""


def pgassay(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pgassay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=240, check=False)


class Reader(HTMLParser):
    """Tags that open, and attributes that load something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [
            v or "" for k, v in attrs if k in ("src", "href", "srcset", "action", "data") or k.startswith("on")
        ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("html")
    (folder / "hostile").mkdir()
    first, *rest = HOSTILE.strip().split("\n")
    (folder / "hostile" / "001_a.sql").write_text(first, encoding="utf-8")
    (folder / "hostile" / "002_b.sql").write_text("\n".join(rest), encoding="utf-8")
    example = "examples/token-registry"
    commands = {
        "review": ("review", str(folder / "hostile"), "--history"),
        "check": ("check", str(folder / "hostile")),
        "tune": ("tune", example, "--workload", f"{example}/queries.sql", "--rows", "2000", "--time", "10s"),
        "design": ("design", "--preset", "erc20", "--out", str(folder / "out")),
    }
    made = {}
    for name, command in commands.items():
        done = pgassay(*command, "--format", "html", "-q")
        assert done.returncode in (0, 1), done.stderr
        made[name] = folder / f"{name}.html"
        made[name].write_text(done.stdout, encoding="utf-8")
    return made


@pytest.mark.parametrize("name", ["review", "check", "tune", "design"])
def test_a_page_loads_nothing_and_runs_nothing(name: str, pages: dict[str, Path]) -> None:
    text = pages[name].read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert not reader.tags & {"script", "iframe", "img", "link", "object", "form", "base"}
    assert all(load.startswith("#") for load in reader.loads)
    assert not re.search(r"url\(|@import", text)
    assert "\x1b" not in text


def test_a_review_shows_findings_and_locks(pages: dict[str, Path]) -> None:
    text = pages["review"].read_text(encoding="utf-8")
    assert "Locks over time" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert re.search(r'<article class="card fails"', text)


@pytest.mark.parametrize("name", ["review", "tune", "design"])
def test_chromium_draws_it(name: str, pages: dict[str, Path], tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing, and CI must have it")
        pytest.skip("Chromium is missing")
    shot = tmp_path / "page.png"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1400",
         f"--user-data-dir={tmp_path}/profile", f"--screenshot={shot}", pages[name].as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert len(set(rows(shot))) > 100  # lines of pixels that differ: it is no blank page


def rows(png: Path) -> list[bytes]:
    """The lines of a PNG as they are stored (filtered): enough to tell a drawn page from an empty one."""
    data = png.read_bytes()
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(packed)
    stride = len(raw) // height
    assert depth == 8 and colour in (2, 6) and stride == width * (3 if colour == 2 else 4) + 1
    return [raw[i * stride : (i + 1) * stride] for i in range(height)]
