"""Where a run stands, on disk: written after every step, so that whatever ends it, it can go on from there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter

from pgassay.agent.redaction import redacted
from pgassay.agent.tasks import Task
from pgassay.errors import InputError
from pgassay.report.handover import Handoff

_VERSION = 1


@dataclass(slots=True)
class Standing:
    """Where one task stands. ``before``: changed files as they were; ``handoff`` once it has ended."""

    messages: list[Any] = field(default_factory=list)
    before: dict[str, str | None] = field(default_factory=dict)
    handoff: dict[str, Any] | None = None
    final: bool = False
    tokens: int = 0
    told: int = 0


@dataclass(slots=True)
class State:
    """The state file of a run: its path, and the tasks' standings by id."""

    path: Path
    secrets: tuple[str, ...] = ()
    transcript: Path | None = None
    standings: dict[str, Standing] = field(default_factory=dict)

    def save(self) -> None:
        """Write it, readable for its owner alone."""
        document = {
            "version": _VERSION,
            "tasks": {
                id: {
                    "messages": s.messages, "before": s.before, "handoff": s.handoff, "final": s.final,
                    "tokens": s.tokens, "told": s.told,
                }
                for id, s in self.standings.items()
            },
        }  # fmt: skip
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(f".{random.token_hex(4)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(document, file)
            draft.replace(self.path)
        except OSError as error:
            raise InputError(f"the state cannot be written: {error.strerror or error}", path=str(self.path)) from None

    def messages(self, id: str) -> list[ModelMessage]:
        """A task's messages so far."""
        return ModelMessagesTypeAdapter.validate_python(self.standings[id].messages)

    def keep(self, id: str, before: dict[str, str | None]) -> None:
        """Keep what a file was, before it is written."""
        self.standings[id].before = dict(before)
        self.save()

    def step(self, id: str, messages: Sequence[ModelMessage], before: dict[str, str | None]) -> None:
        """Keep a step, without secrets, and add what is new to the transcript."""
        standing = self.standings[id]
        plain: list[Any] = redacted(json.loads(ModelMessagesTypeAdapter.dump_json(list(messages))), self.secrets)
        standing.messages, standing.before = plain, dict(before)
        if self.transcript is not None:
            lines = [json.dumps({"task": id, "message": each}, ensure_ascii=False) for each in plain[standing.told :]]
            with self.transcript.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
            standing.told = len(plain)
        self.save()

    def end(self, id: str, whole: Handoff, *, final: bool) -> None:
        """A task has ended: for good, or as far as this run's means went."""
        standing = self.standings[id]
        standing.handoff, standing.final = msgspec.to_builtins(whole), final
        self.save()

    def ended(self, id: str) -> Handoff | None:
        """The hand-off of a task that has ended for good."""
        standing = self.standings[id]
        return msgspec.convert(standing.handoff, Handoff) if standing.final and standing.handoff else None

    def forget(self) -> None:
        """Remove the file: nothing is left to go on with."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def place(project: Path, tasks: Sequence[Task]) -> Path:
    """Where the state of these tasks in this project is kept."""
    parts = [str(project.resolve()), *(f"{t.id}\0{t.task}" for t in tasks)]
    key = hashlib.sha256("\0\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]
    return platformdirs.user_state_path("pgassay") / "agent" / f"{key}.json"


def load(
    path: Path, tasks: Sequence[Task], *, resume: bool, secrets: tuple[str, ...], transcript: Path | None
) -> State:
    """A fresh state, or the one to go on from. Raises InputError."""
    state = State(path, secrets, transcript, {t.id: Standing() for t in tasks})
    if not resume:
        return state
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _VERSION or set(document["tasks"]) != set(state.standings):
            raise ValueError("it is of other tasks")
        for id, kept in document["tasks"].items():
            state.standings[id] = Standing(**kept)
            state.messages(id)
    except FileNotFoundError:
        raise InputError("there is nothing to resume", path=str(path), hint="Leave --resume out.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"cannot be resumed from: {str(error)[:200]}", path=str(path)) from None
    return state
