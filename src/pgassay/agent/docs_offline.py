"""Documentation without a network: types and readmes of installed packages, and pgassay's own rule pages."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 4_000
_NICKNAMES = {"postgresql": ("pg", "postgres"), "postgres": ("pg", "postgresql")}


@dataclass(frozen=True, slots=True)
class Found:
    """``source``: a cache key with the version; ``what``: the same for people."""

    source: str
    what: str
    text: str


def installed(root: Path, library: str, topic: str, most: int) -> Found | None:
    """At most so many characters on a topic, or None where the library is not installed in the project."""
    if library in ("postgresql", "postgres"):
        return _rules(topic, most)
    if re.fullmatch(r"(@[\w.-]+/)?[\w.-]+", library) is None or ".." in library:
        return None
    return _npm(root, library, topic, most) or _python(root, library, topic, most)


def _npm(root: Path, library: str, topic: str, most: int) -> Found | None:
    folder = root / "node_modules" / library
    if not _inside(folder, root) or not (folder / "package.json").is_file():
        return None
    try:
        version = str(json.loads((folder / "package.json").read_text(encoding="utf-8")).get("version", "?"))
    except (OSError, ValueError):
        version = "?"
    files = [folder / "README.md", *_ranked(folder, topic, (".d.ts", ".md"))]
    text = _joined(files, folder, most)
    return Found(f"installed:node_modules/{library}@{version}", f"types and readme of {library} {version}", text)


def _python(root: Path, library: str, topic: str, most: int) -> Found | None:
    name = library.lower().replace("-", "_")
    for packages in sorted(root.glob(".venv/lib/python3*/site-packages")) + sorted(
        root.glob("venv/lib/python3*/site-packages")
    ):
        if not _inside(packages, root):
            continue
        about = next((p for p in packages.glob("*.dist-info") if p.name.lower().rsplit("-", 2)[0] == name), None)
        folder = next((p for p in packages.iterdir() if p.is_dir() and p.name.lower() == name), None)
        if about is None or folder is None:
            continue
        try:
            metadata = email.message_from_string((about / "METADATA").read_text(encoding="utf-8"))
        except OSError:
            continue
        readme = str(metadata.get_payload())[: most // 3]
        text = f"{readme}\n\n{_joined(_ranked(folder, topic, ('.pyi', '.py')), folder, most - len(readme))}"
        version = metadata.get("Version", "?")
        return Found(
            f"installed:site-packages/{library}@{version}", f"types and readme of {library} {version}", text[:most]
        )
    return None


def _ranked(folder: Path, topic: str, endings: tuple[str, ...]) -> list[Path]:
    """Files whose path speaks of the topic, those with more of its words first, then the shallow ones."""
    words = [w for w in re.findall(r"[a-z0-9]+", topic.lower()) if len(w) > 1]
    words += [nick for word in words for nick in _NICKNAMES.get(word, ())]
    scored = []
    for path in _few(folder.rglob("*")):
        name = path.relative_to(folder).as_posix().lower()
        if name.endswith(endings) and "node_modules" not in name:
            hits = sum(bool(re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", name)) for word in words)
            scored.append((-hits, name.count("/"), name, path))
    return [path for _, _, _, path in sorted(scored)]


def _few(paths: Iterable[Path]) -> Iterator[Path]:
    for number, path in enumerate(paths):
        if number == _MOST_FILES:
            return
        yield path


def _joined(files: Iterable[Path], folder: Path, most: int) -> str:
    parts: list[str] = []
    left = most
    for path in dict.fromkeys(files):
        if left < 200:
            break
        if not path.is_file() or not _inside(path, folder):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")[: min(left, max(most // 4, 2_000))]
        parts.append(f"=== {path.relative_to(folder).as_posix()}\n{text}\n")
        left -= len(parts[-1])
    return "".join(parts)[:most]


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _rules(topic: str, most: int) -> Found | None:
    """What pgassay's own rules say on a topic of PostgreSQL."""
    from pgassay import __version__
    from pgassay.report.pages import rule_page
    from pgassay.rules import registry

    words = [w for w in re.findall(r"[a-z]+", topic.lower()) if len(w) > 3]
    pages = [(rule.id, rule_page(rule)) for rule in registry()]
    scored = sorted(((-sum(page.lower().count(w) for w in words), id, page) for id, page in pages))
    text = "\n".join(page for score, _, page in scored[:8] if score < 0)[:most]
    return (
        Found(f"installed:pgassay@{__version__}/rules", f"rule pages of pgassay {__version__}", text) if text else None
    )
