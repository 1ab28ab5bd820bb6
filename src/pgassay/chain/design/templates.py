"""SQL templates: ``{word}`` stands for what the caller gives; other braces are SQL's own."""

from __future__ import annotations

import re

from pgassay.sql.queries import queries

_WORD = re.compile(r"\{([a-z_]+)\}")


def filled(file: str, name: str, /, **words: object) -> str:
    """One named template of a file of this package. Raises KeyError for a word that nobody gave."""
    return _WORD.sub(lambda found: str(words[found[1]]), queries("pgassay.chain.design", file)[name])
