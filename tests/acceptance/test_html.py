"""HTML reports: one file that needs nothing else, harmless whatever it shows, and that a browser really draws."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.acceptance import commands

HOSTILE = """
CREATE TABLE "<script>alert(1)</script>" (id integer PRIMARY KEY, "\u001b[31mred" text);
COMMENT ON TABLE "<script>alert(1)</script>" IS '</style><img src=x onerror=alert(1)>';
ALTER TABLE "<script>alert(1)</script>" ADD COLUMN n integer NOT NULL;
CREATE INDEX ON "<script>alert(1)</script>" (n);
"""

TENANTS = """
CREATE TABLE "<b>fund" (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, name text NOT NULL);
ALTER TABLE "<b>fund" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON "<b>fund" USING (tenant_id = current_setting('app.tenant_id')::bigint);
"""


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
    (folder / "tenants.sql").write_text(TENANTS, encoding="utf-8")
    example = "examples/token-registry"
    asked = {
        "review": ("review", str(folder / "hostile"), "--history"),
        "secure": ("secure", str(folder / "tenants.sql")),
        "tune": ("tune", example, "--workload", f"{example}/queries.sql", "--rows", "2000", "--time", "10s"),
        "design": ("design", "--preset", "erc20", "--out", str(folder / "out")),
    }
    made = {}
    for name, command in asked.items():
        done = commands.run(*command, "--format", "html", "-q")
        assert done.returncode in (0, 1), done.stderr
        made[name] = folder / f"{name}.html"
        made[name].write_text(done.stdout, encoding="utf-8")
    return made


@pytest.mark.parametrize("name", ["review", "secure", "tune", "design"])
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


def test_a_proof_of_isolation_shows_what_leaks(pages: dict[str, Path]) -> None:
    text = pages["secure"].read_text(encoding="utf-8")
    assert re.search(r'<article class="card exposes"', text) and "&lt;b&gt;fund" in text
    assert "row-security-not-forced" in text and "verified on the scratch server" in text


@pytest.mark.parametrize("name", ["review", "secure", "tune", "design"])
def test_the_keyboard_reaches_everything(name: str, pages: dict[str, Path]) -> None:
    """A way past the head, every part that scrolls, and what can be unfolded; where one is can be seen."""
    text = pages[name].read_text(encoding="utf-8")
    assert '<a class="skip" href="#main">' in text and '<main id="main" tabindex="-1">' in text
    assert "summary:focus-visible" in text and "[tabindex]:focus-visible{outline" in text
    assert all("tabindex" in tag for tag in re.findall(r'<pre[^>]*>|<div class="picture[^>]*>', text))
    assert text.count("<details") == text.count("<summary>")
    pictures = re.findall(r'<svg[^>]*>|<div class="track[^>]*>', text)
    assert all('role="img"' in tag and "aria-label=" in tag for tag in pictures)


def browse(page: Path, folder: Path, *options: str) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing, and CI must have it")
        pytest.skip("Chromium is missing")
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1400",
         f"--user-data-dir={folder}/profile", *options, page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


SCHEMES = {"light": ("1", (0xFF, 0xFF, 0xFF)), "dark": ("0", (0x12, 0x16, 0x1C))}


@pytest.mark.parametrize(
    ("name", "scheme"), [("review", "light"), ("tune", "dark"), ("design", "dark"), ("secure", "light")]
)
def test_chromium_draws_it(name: str, scheme: str, pages: dict[str, Path], tmp_path: Path) -> None:
    shot = tmp_path / "page.png"
    number, ground = SCHEMES[scheme]
    browse(pages[name], tmp_path, f"--blink-settings=preferredColorScheme={number}", f"--screenshot={shot}")
    lines = rows(shot)
    assert len(set(lines)) > 100  # lines of pixels that differ: it is no blank page
    assert tuple(lines[0][1:4]) == ground


def test_paper_shows_what_is_folded(pages: dict[str, Path], tmp_path: Path) -> None:
    text = pages["design"].read_text(encoding="utf-8")
    opened = tmp_path / "opened.html"
    opened.write_text(text.replace("<details>", "<details open>"), encoding="utf-8")
    sheets = []
    for page in (pages["design"], opened):
        browse(page, tmp_path, f"--print-to-pdf={tmp_path}/page.pdf")
        sheets.append(len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes())))
    assert sheets[0] == sheets[1] > 4


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
