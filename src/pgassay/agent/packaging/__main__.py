"""Write the Claude Code plugin: ``python -m pgassay.agent.packaging plugins/claude-code``."""

from __future__ import annotations

import sys
from pathlib import Path

from pgassay.agent.packaging.texts import plugin


def main(folder: Path) -> None:
    """Write its files; what is there already is replaced."""
    for name, text in plugin().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
