"""``make bench``: everything side by side; ours first, then what it is held against, then the ratio.

``python -m benchmarks NAME [options]`` runs one: static, live, ghosts, migrate, pages, register, rls, scale, storage,
tuning.
"""

from __future__ import annotations

import sys

from benchmarks import ghosts, live, migrate, pages, register, rls, scale, static, storage, tuning
from benchmarks.timing import peak_memory_of_children

_OWN = {
    "rls": rls.main,
    "ghosts": ghosts.main,
    "migrate": migrate.main,
    "pages": pages.main,
    "register": register.main,
    "scale": scale.main,
    "storage": storage.main,
    "tuning": tuning.main,
}  # with options of their own


def main() -> None:
    """Print a line a measurement."""
    if sys.argv[1:2] and sys.argv[1] in _OWN:
        _OWN[sys.argv[1]](sys.argv[2:])
        return
    wanted = sys.argv[1:] or ["static", "live"]
    for name, part in (("static", static), ("live", live)):
        if name in wanted:
            for ratio in part.run():
                sys.stdout.write(f"{ratio}\n")
    sys.stdout.write(f"peak memory of the largest process: {peak_memory_of_children():.0f} MiB\n")


if __name__ == "__main__":
    main()
