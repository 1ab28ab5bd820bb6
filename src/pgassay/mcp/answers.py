"""What the tools return. Every string that a stranger may have written is a ``Quoted``; the others are ours."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from pgassay.mcp.marking import Quoted

Id = Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,40}$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_ -]{0,60}$")]


class Option(BaseModel):
    """One way to answer: ``answer`` is what the second call says."""

    answer: Id
    meaning: str


class Decision(BaseModel):
    """What has to be decided first, and about what."""

    question: str
    about: list[Quoted]
    options: list[Option]


class Found(BaseModel):
    """A finding; ``details`` has the rest of it by its id."""

    id: Id
    rule: Word
    verdict: Word
    certainty: Word
    place: Quoted
    message: Quoted
    remedy: Literal["verified", "unverified", "none"]


class Answer(BaseModel):
    """``handoff``: id of the hand-off for ``details``. ``more``: items left out, which ``details`` lists by ``run``."""

    run: Id
    counts: dict[Word, int]
    more: int
    notes: list[Quoted]
    handoff: Id | None = None


class Findings(Answer):
    """Of review and check. ``plan``: of a query."""

    items: list[Found]
    plan: Quoted | None = None


class Recommended(BaseModel):
    """A statement to run, or another way to ask. ``gain``: how many times less work the best of ``queries`` takes."""

    id: Id
    kind: Word
    certainty: Word
    sql: Quoted
    queries: int
    gain: float


class Advice(Answer):
    """Of tune."""

    items: list[Recommended]


class Made(Answer):
    """Of design and of migrate: the files written, or the SQL; what changes; or what has to be decided first."""

    status: Literal["done", "needs_decision"]
    decision: Decision | None = None
    items: list[Quoted]
    files: list[Quoted]


class Page(BaseModel):
    """A part of something long, from ``offset``; the next begins at ``next``."""

    id: Id
    size: int
    offset: int
    next: int | None = None
    text: Quoted
