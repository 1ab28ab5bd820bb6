"""Drizzle: one file for what can be deployed at once, with its entry in the journal or its snapshot.

drizzle-kit has no way back and no way out of its transaction. ``down/NAME.sql`` (``NAME/down.sql`` in the layout of
1.0) holds the way back, ``by-hand/NAME.sql`` (``NAME/by-hand.sql``) what must run before the migration is deployed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pgassay.errors import InputError
from pgassay.model import Project
from pgassay.sources.drizzle import BREAKPOINT
from pgassay.sources.files import exists, folders, join, names, read
from pgassay.sources.writing.byhand import ByHand, sorted_out
from pgassay.sources.writing.model import Change, Expected, NewFile, Unit, Writing
from pgassay.sources.writing.numbers import names_after
from pgassay.sources.writing.places import BY_HAND, DOWN, beside
from pgassay.sources.writing.text import comment, ended, repeatable, script, slug

_SPACE = uuid.UUID("6c1f1f3e-5a0e-4b58-9d0b-0d1c7b8f5a11")  # of snapshots' ids: the same text, the same id
_JOURNAL = "meta/_journal.json"


def journal(project: Project, change: Change, units: tuple[Unit, ...], now: datetime) -> Writing:
    """The legacy layout. A snapshot is copied where there is one, as ``drizzle-kit generate --custom`` does."""
    path = join(project.path, _JOURNAL)
    text = read(path).text
    found: dict[str, Any] = json.loads(text)
    entries: list[dict[str, Any]] = found["entries"]
    tags = names_after(str(entries[-1]["tag"]), now, between="_")
    when = max(int(now.timestamp() * 1_000), *(int(e["when"]) + 1 for e in entries))
    number = max(int(e.get("idx", i)) for i, e in enumerate(entries))
    files: list[NewFile] = []
    expected: list[Expected] = []
    notes: list[str] = []
    previous = _last_snapshot(project)
    for at, group in enumerate(_groups(units)):
        tag = next(tags) + _name(change, group)
        entry = {"idx": number + 1 + at, "version": entries[-1].get("version", "7"), "when": when + at, "tag": tag}
        entries.append({**entry, "breakpoints": True})
        made = _Made(change, group, tag, f"{tag}.sql")
        files.append(NewFile(path=join(project.path, f"{tag}.sql"), text=made.text))
        if made.back is not None:
            files.append(NewFile(path=beside(project.path, tag, DOWN), text=made.back))
        if made.by_hand:
            files.append(NewFile(path=beside(project.path, tag, BY_HAND), text=made.by_hand))
            notes.append(f"run {files[-1].path} by hand (psql) before {tag}.sql is deployed")
        if previous is not None:
            previous = _snapshot(previous, tag, "prevId", previous["id"])
            name = f"meta/{tag.split('_', 1)[0]}_snapshot.json"
            files.append(
                NewFile(path=join(project.path, name), text=json.dumps(previous, indent=2, ensure_ascii=False))
            )
        expected.append(made.expected)
    files.append(NewFile(path=path, text=_like(text, json.dumps(found, indent=2, ensure_ascii=False)), replaces=text))
    return Writing(files=tuple(files), expected=tuple(expected), notes=(*notes, *_always(project, units)))


def layout_v1(project: Project, change: Change, units: tuple[Unit, ...], now: datetime) -> Writing:
    """The layout of drizzle-kit 1.0. Each folder has a snapshot, copied from the last one."""
    last = project.migrations[-1].name
    stems = names_after(last, now, between="_")
    snapshot = _v1_snapshot(project)
    files: list[NewFile] = []
    expected: list[Expected] = []
    notes: list[str] = []
    for group in _groups(units):
        name = next(stems) + _name(change, group)
        made = _Made(change, group, name, f"{name}/migration.sql")
        files.append(NewFile(path=join(project.path, f"{name}/migration.sql"), text=made.text))
        if made.back is not None:
            files.append(NewFile(path=join(project.path, f"{name}/down.sql"), text=made.back))
        if made.by_hand:
            files.append(NewFile(path=join(project.path, f"{name}/by-hand.sql"), text=made.by_hand))
            notes.append(f"run {files[-1].path} by hand (psql) before {name} is deployed")
        if snapshot is not None:
            snapshot = _snapshot(snapshot, name, "prevIds", [snapshot["id"]])
            text = json.dumps(snapshot, indent=2, ensure_ascii=False)
            files.append(NewFile(path=join(project.path, f"{name}/snapshot.json"), text=text))
        expected.append(made.expected)
    return Writing(files=tuple(files), expected=tuple(expected), notes=(*notes, *_always(project, units)))


def _always(project: Project, units: tuple[Unit, ...]) -> Iterator[str]:
    yield (
        "Drizzle's schema in TypeScript is not changed: add the change there too, and IF NOT EXISTS to what"
        " drizzle-kit generate then writes for it"
    )
    if any(u.backward is not None for u in units):
        place = f"{DOWN}/" if project.kind == "drizzle" else f"{DOWN}.sql"
        yield f"Drizzle has no way back: run {place} by hand, and delete the migration's row in {project.runner.table}"
    if len(project.migrations) and len(_groups(units)) > 1:
        yield "deploy each of these migrations before the next: Drizzle sends all pending ones in one transaction"


def _name(change: Change, group: tuple[Unit, ...]) -> str:
    return slug(group[0].name if len(group) == 1 else change.name)


def _groups(units: tuple[Unit, ...]) -> list[tuple[Unit, ...]]:
    """What can be deployed at once: no statement to be run by hand needs one that only the migration brings."""
    groups: list[tuple[Unit, ...]] = [()]
    for unit in units:
        needs_deploy = unit.forward_alone and not all(
            u.forward_alone or all(map(repeatable, u.forward)) for u in groups[-1]
        )
        if needs_deploy:
            groups.append(())
        groups[-1] = (*groups[-1], unit)
    return groups


class _Made:
    """The texts of one migration."""

    def __init__(self, change: Change, group: tuple[Unit, ...], stem: str, file: str) -> None:
        made, by_hand = sorted_out(group)
        forward = [s for u in made for s in u.forward]
        pieces = [comment(u.comment) * (not i) + ended(s) for u in made for i, s in enumerate(u.forward)]
        self.text = comment(change.comment) + f"\n{BREAKPOINT}\n".join(pieces) + "\n"
        by = dict.fromkeys(s for each in by_hand for s in each.statements)
        self.by_hand = ByHand(tuple(by)).text(file, "Drizzle") if by else None
        back = [u for u in reversed(group) if u.backward is not None]
        self.back = None
        if back:
            stays = [f"Not taken back: {u.name}." for u in group if not u.backward]
            head = comment(f"The way back of {file}: run it by hand (psql -f), Drizzle has none.", *stays)
            self.back = head + script([s for u in back for s in u.backward or ()])
        backward = tuple(s for u in back for s in u.backward or ()) if back else None
        self.expected = Expected(forward=tuple(forward), backward=backward)
        self.stem = stem


def _last_snapshot(project: Project) -> dict[str, Any] | None:
    folder = join(project.path, "meta")
    found = names(folder, "_snapshot.json")
    return _loaded(join(folder, found[-1])) if found else None


def _v1_snapshot(project: Project) -> dict[str, Any] | None:
    for name in reversed(folders(project.path)):
        if exists(path := join(project.path, f"{name}/snapshot.json")):
            return _loaded(path)
    return None


def _loaded(path: str) -> dict[str, Any] | None:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"is no snapshot of drizzle-kit: {error}", path=path) from None
    return found if isinstance(found, dict) and "id" in found else None


def _snapshot(before: dict[str, Any], name: str, key: str, value: object) -> dict[str, Any]:
    fresh = str(uuid.uuid5(_SPACE, f"{before['id']} {name}"))
    return {**before, "id": fresh, key: value}


def _like(before: str, text: str) -> str:
    """With the line ends of the text that it replaces."""
    made = text + ("\n" if before.endswith("\n") else "")
    return made.replace("\n", "\r\n") if "\r\n" in before else made
