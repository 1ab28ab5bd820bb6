"""SQL names made from the names in contracts and subgraphs.

A name once given stays: it depends on its own source and on the names given before, never on what comes later. Names
are ASCII in lower case, so that SQL, TypeScript and Python write them alike and nobody needs quotes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pgassay.chain.types import is_domain_name
from pgassay.model.names import quote

LIMIT = 63  # bytes: NAMEDATALEN - 1 (manual, 4.1.1); PostgreSQL cuts what is longer, and may make two names one

# Column names that a table has already (manual, 5.6).
_SYSTEM_COLUMNS = frozenset(("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"))

# IDs, URIs: capitals with a plural's s · ERC20, HTTPServer's HTTP · Name, name2 · 42
_WORD = re.compile(r"[A-Z]{2,}s(?![a-z])[0-9]*|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[A-Z]|[0-9]+[a-z]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Something that needs a name. ``key`` tells it from all others and never changes (an event's signature); ``name``
    is its own; ``details`` tell it from others of the same name (types of parameters); ``kind`` is the word put behind
    a name that SQL reserves (``event``: ``order_event``); ``rank``: of several the lowest gets the short name."""

    key: str
    name: str
    details: tuple[str, ...] = ()
    kind: str = "value"
    rank: int = 0


def snake(name: str) -> str:
    """``tokenURI`` → ``token_uri``; at most 63 bytes. What ASCII cannot say is left out and a hash of the name put
    behind it. A name without letters or digits, such as ``__``, gives an empty string."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = [w.lower() for run in re.findall(r"[A-Za-z0-9]+", plain) for w in _WORD.findall(run)]
    made = "_".join(words)
    if any(ord(c) > 127 for c in plain):
        made = f"{made or 'x'}_{_digest(name)}"
    if made[:1].isdigit():
        made = "_" + made
    return made if len(made) <= LIMIT else shortened(made, name)


def shortened(made: str, key: str) -> str:
    """A name within the limit: its beginning and a hash of ``key``."""
    return f"{made[: LIMIT - 9].rstrip('_')}_{_digest(key)}"


def joined(*parts: str) -> str:
    """The parts with ``_`` between them, as a name for an index or constraint; cut behind with a hash when too long."""
    made = "_".join(p for p in parts if p)
    return made if len(made.encode()) <= LIMIT else shortened(snake(made) or "x", made)


def reserved(name: str) -> bool:
    """Whether a name would need quotes, is a system column's or a domain's of ours, or hides behind ``pg_catalog``."""
    return quote(name) != name or name in _SYSTEM_COLUMNS or name.startswith("pg_") or is_domain_name(name)


def assign(
    wanted: Iterable[Wanted], *, earlier: Mapping[str, str] | None = None, taken: Collection[str] = ()
) -> dict[str, str]:
    """Names by key, all different and none in ``taken``.

    ``earlier`` is what a previous run answered: those keys keep their names, and nobody else gets these. Of several
    newcomers of one name the one of the lowest rank, then of the fewest details, then of the first key has the short
    name; the others are told apart by their details (``transfer_address_uint256_bytes``) or a hash of their key.
    """
    known = dict(earlier or {})
    asked = {w.key: w for w in wanted}
    given = {key: known[key] for key in asked if key in known}
    used = {*taken, *known.values()}
    newcomers = [w for w in asked.values() if w.key not in given]
    losers = []
    for item in sorted(newcomers, key=lambda w: (w.rank, len(w.details), w.key)):
        base = _base(item)
        if base in used:
            losers.append(item)
        else:
            given[item.key] = base
            used.add(base)
    for item in losers:
        name = _told_apart(item, used)
        given[item.key] = name
        used.add(name)
    return {key: given[key] for key in asked}


def positional(names: Iterable[str], *, taken: Collection[str] = (), kinds: Collection[str] = ()) -> tuple[str, ...]:
    """Names of things whose order never changes (parameters of one signature): unnamed ones are ``arg1`` …, those of a
    name that is used already have their position behind it. ``kinds`` gives each its word for a reserved name."""
    words = tuple(kinds)
    used = set(taken)
    made = []
    for number, source in enumerate(names, 1):
        kind = words[number - 1] if words else "value"
        name = _base(Wanted(key=source, name=source or f"arg{number}", kind=kind))
        if name in used:
            name = _first_free((joined(name, str(number)), joined(name, kind, str(number))), f"{source}#{number}", used)
        used.add(name)
        made.append(name)
    return tuple(made)


def _base(item: Wanted) -> str:
    name = snake(item.name) or f"x_{_digest(item.key)}"
    return joined(name, snake(item.kind)) if reserved(name) else name


def _told_apart(item: Wanted, used: Collection[str]) -> str:
    base = _base(item)
    detailed = "_".join((base, *(snake(d) for d in item.details)))
    wishes = (detailed,) if item.details and len(detailed) <= LIMIT else ()
    return _first_free((*wishes, shortened(base, item.key)), item.key, used)


def _first_free(wishes: Iterable[str], key: str, used: Collection[str]) -> str:
    options = list(wishes)
    for option in options:
        if option not in used:
            return option
    number = 2
    while (name := shortened(options[-1], f"{key}#{number}")) in used:
        number += 1
    return name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
