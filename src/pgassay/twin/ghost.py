"""A ghost twin: a database with production's schema, statistics and sizes, and not one row, that plans as it does.

The planner goes by ``pg_class``, ``pg_statistic``, the files' sizes, B-trees' heights and its settings; all of them are
production's, so plans and costs are too. Without values (``export --no-values``) they are not: see ``export``.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from pgassay.errors import InputError, UsageError
from pgassay.model import quote
from pgassay.server import OWNER, SUPERUSER, Connection, Server, StatementError
from pgassay.twin import ghost_candidates as candidates
from pgassay.twin import ghost_files as files
from pgassay.twin.export_file import Attribute, Export
from pgassay.twin.ghost_ends import Ends, entries_of, insert_ends, read_ends
from pgassay.twin.ghost_extended import write_extended
from pgassay.twin.ghost_guard import plan
from pgassay.twin.ghost_schema import HELPER, Unmade, create_database, create_schema
from pgassay.twin.ghost_statistics import sql, write_attributes, write_sizes
from pgassay.twin.ghost_tablespaces import place

_numbers = itertools.count(1)
_MOST_SEGMENTS = 200_000  # files of 1 GiB: more than 200 TB is no database that we know


class Ghost:
    """A ghost database. ``unmade`` is what it does without; ``remarks`` say in words where it differs.

    One session plans, as the database's owner; another, a superuser's, changes ``pg_index`` and ``pg_class`` alone.
    """

    def __init__(
        self, server: Server, database: str, export: Export, unmade: tuple[Unmade, ...], remarks: tuple[str, ...]
    ) -> None:
        self.server = server
        self.database = database
        self.export = export
        self.unmade = unmade
        self.remarks = remarks
        own = {(a.schema, a.relation, a.name): a for a in export.attributes if not a.inherited and not a.index}
        self.statistics: dict[tuple[str, str, str], Attribute] = own
        self.ends: dict[tuple[str, str, str], tuple[bytes, bytes]] = {}
        self._session: Connection | None = None
        self._admin: Connection | None = None
        self._off: frozenset[str] = frozenset()
        self._known: dict[str, int] = {}

    def explain(
        self,
        sql: str,
        parameters: Sequence[str | int | float | bool | None] | None = None,
        without: Collection[str] = (),
    ) -> dict[str, Any]:
        """PostgreSQL's plan (``EXPLAIN (FORMAT JSON)``'s object) as if the indexes named in ``without`` were not there.

        See ``ghost_guard.plan`` for parameters and errors.
        """
        self._switch(frozenset(without))
        return plan(self.session, sql, parameters)

    def create_index(
        self, ddl: str, pages: int | None = None, height: int | None = None, tuples: float | None = None
    ) -> str:
        """Create a candidate index in milliseconds, at the size given or else computed; returns its qualified name.

        ``pages`` of 8 KiB, ``height`` in levels above the leaves, ``tuples`` entries, of the whole index: a partitioned
        table's parts share them by rows. Raises InputError where the text is not one CREATE INDEX or PostgreSQL refuses
        it.
        """
        self._switch(frozenset())
        self._known.clear()
        try:
            return candidates.create(self, ddl, pages, height, tuples)
        except StatementError as error:
            raise InputError(f"the index cannot be created: {error.report}") from None

    def drop_index(self, name: str) -> None:
        """Drop a candidate. ``name`` as ``create_index`` returned it."""
        self._switch(frozenset())
        self._known.clear()
        self.session.run(f"DROP INDEX {name}")

    @property
    def session(self) -> Connection:
        """The owner's session, with production's settings."""
        if self._session is None:
            self._session = self.server.connect(self.database)
            self._steer(self._session)
        return self._session

    @property
    def search_path(self) -> str:
        """Where production looks for unqualified names."""
        return self.export.search_path or '"$user", public'

    @property
    def admin(self) -> Connection:
        """The superuser's session: for our own catalog queries alone."""
        if self._admin is None:
            self._admin = self.server.connect(self.database, role=SUPERUSER)
        return self._admin

    def path(self, relative: str) -> Path:
        """A file of the server's data folder."""
        return self.server.data / relative

    def close(self) -> None:
        """End both sessions; the database stays."""
        for each in (self._session, self._admin):
            if each is not None:
                each.close()
        self._session = self._admin = None

    def __enter__(self) -> Ghost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _steer(self, session: Connection) -> None:
        """Production's settings, as far as this version has them and a plain role may set them."""
        wanted = self.export.settings | {"search_path": self.search_path}
        session.run(sql("steer"), [json.dumps(wanted)])

    def _switch(self, off: frozenset[str]) -> None:
        if off != self._off:
            self.admin.run(sql("switch"), [self._listed(self._off - off), self._listed(off - self._off)])
            self._off = off

    def _listed(self, names: Collection[str]) -> str:
        return "{" + ",".join(str(self._index(name)) for name in sorted(names)) + "}"

    def _index(self, name: str) -> int:
        """An index's number, by its plain name as it is stored or by its name as SQL has it."""
        if name not in self._known:
            found = self.admin.run(sql("index_named"), [name])
            if not found:
                with contextlib.suppress(StatementError):  # a text that is no name
                    found = self.admin.run(sql("index_qualified"), [name])
            if len(found) != 1:
                what = f"there are {len(found)} indexes named" if found else "there is no index"
                raise InputError(f"{what} {name}")
            self._known[name] = int(found[0][0])
        return self._known[name]


def ghost(server: Server, export: Export, progress: Callable[[str], None] = lambda _: None) -> Ghost:
    """Make a ghost of an export on a scratch server whose data folder we can write. It costs no disk for any size.

    Raises UsageError where production's pages are not of 8 KiB, the export is beyond reason or the server refuses it.
    """
    if export.server.block_size != files.PAGE:
        raise UsageError(f"production has pages of {export.server.block_size} bytes; ghosts have {files.PAGE}")
    if sum((r.blocks + r.toast_blocks) // files.SEGMENT for r in export.relations) > _MOST_SEGMENTS:
        raise UsageError("the export claims more than 200 TB")
    try:
        return _made(server, export, progress)
    except StatementError as error:
        raise UsageError(f"the twin cannot be made: {error.report}") from error


def _made(server: Server, export: Export, progress: Callable[[str], None]) -> Ghost:
    number = next(_numbers)
    draft, name = f"ghost_draft_{number}", f"ghost_{number}"
    remarks = []
    if server.major != export.server.major:
        remarks.append(f"planned by PostgreSQL {server.major}; production has {export.server.version}")
    progress("Creating the schema")
    if " ROW LEVEL SECURITY;" in export.schema:
        remarks.append("row security is not planned with: plans are those of the tables' owner")
    different = create_database(server, draft, export.server)
    if different:
        remarks.append(different)
    try:
        unmade = create_schema(server, draft, export)
        if export.tablespaces:
            unmade += place(server, draft, export)
        progress("Writing statistics")
        write_sizes(server, draft, export.relations)
        unmade += write_attributes(server, draft, export.attributes)
        unmade += write_extended(server, draft, export.extended)
        ends = insert_ends(server, draft, export.ends)
        # A copy, file by file, has nothing in the server's memory yet: its pages can be written behind its back.
        strategy = " STRATEGY file_copy" if server.major >= 15 else ""
        server.admin.run(f"CREATE DATABASE {quote(name)} TEMPLATE {quote(draft)} OWNER {OWNER}{strategy}")
        server.admin.run(f"REVOKE ALL ON DATABASE {quote(name)} FROM PUBLIC")
    finally:
        server.drop(draft)
    made = Ghost(server, name, export, unmade, tuple(remarks))
    progress("Setting sizes")
    _write_files(made, ends)
    with server.connect(name) as owner:
        owner.run(f"SET client_min_messages = error; DROP SCHEMA IF EXISTS {HELPER} CASCADE")
    return made


def _write_files(made: Ghost, ends: Ends) -> None:
    found = {(r["schema"], r["name"]): r for r in made.admin.json(sql("paths")) or []}
    made.ends |= read_ends(ends, found, made.server.data)
    led = {(r["schema"], r["name"]): r for r in made.admin.json(sql("led").replace("{alone}", "")) or []}
    blocks = {(r.schema, r.name): r.blocks for r in made.export.relations}
    for relation in made.export.relations:
        here = found.get((relation.schema, relation.name))
        if here is None or here["path"] is None:
            continue
        path = made.path(here["path"])
        if relation.toast_blocks and here["toast"]:
            files.resize(made.path(here["toast"]), relation.toast_blocks)
        if here["method"] == "btree" and relation.height is not None:
            if relation.blocks > 1:  # else it has a metapage alone
                entries = entries_of(led.get((relation.schema, relation.name)), made.ends, made.server.data)
                files.write_btree(path, min(relation.height, relation.blocks - 2), entries)
        elif here["method"] == "gin" and relation.gin is not None:
            files.write_gin(path, *relation.gin)
        elif here["method"] == "brin":
            files.write_brin(path, blocks.get((relation.schema, relation.table or ""), 0))
        files.resize(path, relation.blocks)
