"""Documentation first: what a task needs is read before the work begins, and named in the hand-off.

From a Context7-compatible MCP server, kept an hour a session and a day on disk; where that cannot be reached, from the
types and readmes of what is installed. Only the names of libraries and topics leave the machine, never a task's words.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from pgassay.agent.docs_client import Unreachable, ask
from pgassay.agent.docs_offline import installed
from pgassay.agent.routing import normal

DEFAULT = "https://mcp.context7.com/mcp"
SESSION, DISK = 3_600.0, 86_400.0  # seconds
_A_TOKEN = 4  # characters, about

# PostgreSQL's manual by topic: words of a task, and the pages that it is about.
_MANUAL = (
    (r"rls|row level|row security|polic\w*|tenant\w*", "row security policies, CREATE POLICY"),
    (r"grant\w*|revoke\w*|privilege\w*|roles?|permission\w*", "privileges, GRANT, roles"),
    (r"partition\w*|retention", "table partitioning, ATTACH PARTITION"),
    (r"index\w*|brin|gin|btree|slow|tune\w*|tuning|faster", "indexes: multicolumn, partial, expression, INCLUDE"),
    (r"lock\w*|downtime|migrat\w*|rename\w*|backfill\w*|alter\w*|drop\w*|type", "explicit locking, ALTER TABLE"),
    (r"deadlock\w*|concurren\w*|isolation|serializab\w*", "transaction isolation, deadlocks"),
    (r"json\w*", "jsonb operators and indexing"),
    (r"trigger\w*|rollup\w*", "trigger functions, PL/pgSQL"),
    (r"numeric|amount\w*|balance\w*|decimal\w*", "numeric types"),
    (r"quer\w*|plan\w*|explain|join\w*|paginat\w*", "using EXPLAIN, query planning"),
    (r"vacuum\w*|bloat|wraparound", "routine vacuuming"),
)
_OF_KINDS = {
    "alembic": (("alembic", "operations"), ("sqlalchemy", "postgresql")),
    "prisma": (("prisma", "postgresql"),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A topic of a library, and how many tokens of it."""

    library: str
    topic: str
    tokens: int = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was read. ``source``: its cache key; ``how``: from where, for people; the text is a stranger's."""

    library: str
    topic: str
    source: str
    how: str
    text: str

    @property
    def tokens(self) -> int:
        """About."""
        return len(self.text) // _A_TOKEN


def needed(task: str, kind: str = "") -> tuple[Wanted, ...]:
    """What a task needs: the project's library (Drizzle's where nothing else is known), and pages of the manual."""
    words = normal(task)
    libraries = _OF_KINDS.get(kind, (("drizzle-orm", "postgresql"),))
    topics = [topic for pattern, topic in _MANUAL if re.search(rf" (?:{pattern}) ", words)][:2]
    return (
        *(Wanted(library=library, topic=topic) for library, topic in libraries),
        *(Wanted(library="postgresql", topic=topic, tokens=2_500) for topic in topics),
    )


@dataclass(slots=True)
class Documentation:
    """Fetches pages. ``server``: a URL, a command line, or ``off``; ``root``: the project, for what is installed there.

    ``read`` is what was fetched. ``clock`` and ``now`` tell seconds: of the session, and of the world.
    """

    root: Path
    server: str = DEFAULT
    folder: Path = field(default_factory=lambda: platformdirs.user_cache_path("pgassay") / "docs")
    timeout: float = 20.0
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    read: dict[str, Page] = field(default_factory=dict)
    _session: dict[str, tuple[float, Page]] = field(default_factory=dict)
    _down: str | None = None

    def apart(self) -> Documentation:
        """The same, with the same caches, for another task: what it reads is its own."""
        return replace(self, read={})

    async def fetch(self, library: str, topic: str, tokens: int = 5_000) -> Page:
        """A page. Never fails: with nothing to be had the page says so."""
        wanted = Wanted(library=library[:100], topic=topic[:200], tokens=min(max(tokens, 100), 20_000))
        page = self._kept(wanted) or await self._asked(wanted)
        self.read[page.source] = page
        return page

    async def first(self, wanted: Iterable[Wanted]) -> tuple[Page, ...]:
        """All of these, one after the other."""
        return tuple([await self.fetch(each.library, each.topic, each.tokens) for each in wanted])

    async def _asked(self, wanted: Wanted) -> Page:
        if self.server == "off":
            return self._offline(wanted, "documentation is off")
        if self._down is not None:
            return self._offline(wanted, self._down)
        try:
            found = await ask(self.server, wanted.library, wanted.topic, wanted.tokens, self.timeout)
        except Unreachable as error:
            if error.whole:  # the server, not this page: it is not asked again in this session
                self._down = str(error)
            return self._offline(wanted, str(error))
        page = Page(
            library=wanted.library, topic=wanted.topic, source=f"context7:{found.id}#{_slug(wanted.topic)}",
            how=f"Context7, {found.id}", text=found.text[: wanted.tokens * _A_TOKEN],
        )  # fmt: skip
        self._keep(wanted, page)
        return page

    def _offline(self, wanted: Wanted, why: str) -> Page:
        found = installed(self.root, wanted.library, wanted.topic, wanted.tokens * _A_TOKEN)
        if found is None:
            how = f"nothing: {why}, and {wanted.library} is not installed in the project"
            return Page(
                library=wanted.library,
                topic=wanted.topic,
                source=f"none:{wanted.library}#{_slug(wanted.topic)}",
                how=how,
                text="",
            )
        return Page(
            library=wanted.library, topic=wanted.topic, source=f"{found.source}#{_slug(wanted.topic)}",
            how=f"{found.what}, offline: {why}", text=found.text,
        )  # fmt: skip

    # The caches

    def _file(self, wanted: Wanted) -> Path:
        key = json.dumps([self.server, wanted.library, wanted.topic, wanted.tokens])
        return self.folder / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"

    def _kept(self, wanted: Wanted) -> Page | None:
        file = self._file(wanted)
        until, page = self._session.get(file.name, (0.0, None))
        if page is not None and self.clock() < until:
            return page
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            fresh = 0 <= self.now() - float(kept["fetched"]) < DISK
            page = Page(**{name: str(kept["page"][name]) for name in ("library", "topic", "source", "how", "text")})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not fresh or self.server == "off":
            return None
        self._session[file.name] = (self.clock() + SESSION, page)
        return replace(page, how=page.how if "from the cache" in page.how else f"{page.how}, from the cache")

    def _keep(self, wanted: Wanted, page: Page) -> None:
        file = self._file(wanted)
        self._session[file.name] = (self.clock() + SESSION, page)
        names = ("library", "topic", "source", "how", "text")
        text = json.dumps({"fetched": self.now(), "page": {name: getattr(page, name) for name in names}})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(f".{secrets.token_hex(4)}")
            draft.write_text(text, encoding="utf-8")
            draft.replace(file)
        except OSError:  # a cache that cannot be written is no cache
            return


def _slug(topic: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", topic.lower()).strip("-")[:60]
