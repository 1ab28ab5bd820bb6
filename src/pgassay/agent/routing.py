"""Which model serves a task: decided from facts, by a table, with the reason.

The table (``routing.toml``) names conditions, never tasks. What it decides is one of two levels, ``default`` and
``strong``; each has models, of which the first serves and the others stand in for it. Pure.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pgassay.agent.policy import LEVELS, Level, Policy, Rule, shipped
from pgassay.errors import UsageError

_SHORT = {"sonnet": "default", "opus": "strong"}
_ROWS = re.compile(
    r"(\d[\d,_.]*)\s*(thousand|million|billion|trillion|bn|[kmb])?[\s-]+(?:\w+\s+)?(?:rows?|events?|transfers?|records?)\b",
    re.IGNORECASE,
)
_LETTERS = {
    "k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15,
}  # fmt: skip
_BYTES = re.compile(r"(\d[\d,_.]*)\s*(mb|gb|tb|pb)\b", re.IGNORECASE)
_TABLES = re.compile(
    r"(\d[\d,_]*|three|four|five|six|seven|eight|nine|ten|several|all|many)\s+(?:\w+\s+)?tables\b", re.I
)
_SPOKEN = {
    "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "several": 3, "all": 3,
    "many": 3,
}  # fmt: skip
_TYPES = frozenset(
    """smallint int integer bigint serial bigserial int2 int4 int8 numeric decimal real float float4 float8 money text
    varchar char bytea uuid json jsonb xml bool boolean date timestamp timestamptz interval inet enum""".split()
)
# A column with its table, and no file.
_COLUMN = re.compile(
    r"(?<![\w./-])[a-z_]\w*\.(?!(?:sql|json|tsx?|jsx?|py|md|toml|ya?ml|sol|graphql|csv|txt|sh)\b)[a-z_]\w+(?![\w/]|\.\w)",
    re.I,
)
_WORD = re.compile(r"[^\W_]+")
_CHOSEN = re.compile(r"^[ \t]*model:[ \t]*(\S+)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_BECAUSE = re.compile(r"^[ \t]*reason:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known beside the task's words.

    ``verdicts`` and ``rules`` of findings in migrations that the task concerns, ``columns`` of tables that it names;
    ``tables`` and ``statements`` that are pending; ``rows`` and ``bytes`` at stake; ``named``: columns that are there
    and that the task names, ``retyped``: those that are to be of another type.
    """

    verdicts: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    tables: int = 0
    statements: int = 0
    rows: int = 0
    bytes: int = 0
    named: int = 0
    retyped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model asked for by name, and why; ``default``, ``strong``, ``sonnet`` and ``opus`` are names, too."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``models``: who serves, then who stands in. ``rule`` decided, on this ``evidence``.

    ``always``: no weaker model may stand in. ``routed``: the table's level, where somebody asked for a model.
    """

    models: tuple[str, ...]
    level: Level
    rule: str
    reason: str
    evidence: tuple[str, ...] = ()
    always: bool = False
    routed: Level | None = None

    @property
    def model(self) -> str:
        """The model that serves."""
        return self.models[0]


UNKNOWN = Rule(name="unknown", model="strong", reason="no established pattern fits, so it counts as novel")


def route(
    task: str, facts: Facts | None = None, policy: Policy | None = None, choice: Choice | None = None
) -> Decision:
    """Which model serves this task. ``choice`` wins over the table, and is said to have won.

    Lines ``model: NAME`` and ``reason: WORDS`` in the task are a choice, too. Raises UsageError where the reason is
    missing.
    """
    table = policy or shipped()
    known = stated(task, facts or Facts())
    words = normal(task)
    for phrase in table.ignore:
        words = _pattern(phrase).sub(" ", words)
    routed = next((d for rule in table.rules if (d := _held(rule, words, known, table))), None)
    decision = routed or _decided(UNKNOWN, (), table)
    wanted = choice or asked(task)
    return decision if wanted is None else overridden(decision, wanted, table)


def overridden(decision: Decision, choice: Choice, policy: Policy) -> Decision:
    """The decision where somebody chose the model."""
    if not choice.reason.strip():
        raise UsageError(f"model {choice.model} was asked for without a reason", hint='Add reason: "…" beside it.')
    name = _SHORT.get(choice.model.lower(), choice.model.lower())
    level: Level = next((each for each in LEVELS if name == each), decision.level)
    if name in LEVELS:
        models = policy.models[level]
    else:
        # A fallback would be a model that nobody asked for.
        models = (choice.model,)
        level = next((each for each in LEVELS if choice.model in policy.models[each]), decision.level)
    other = (
        ""
        if level == decision.level and decision.model == models[0]
        else f"; the table said {decision.model}: {decision.reason}"
    )
    return replace(
        decision, models=models, level=level, rule="chosen", reason=f"asked for: {choice.reason.strip()}{other}",
        evidence=(), routed=decision.level,
    )  # fmt: skip


def parallel(decision: Decision, *, blocks: int, policy: Policy) -> Decision:
    """The decision for one of several tasks, on which ``blocks`` others wait."""
    if decision.rule == "chosen" or (decision.always and decision.level == "strong"):
        return decision
    if blocks:
        waiting = f"{blocks} other {'task waits' if blocks == 1 else 'tasks wait'} for it"
        reason = f"on the critical path: {waiting}"
        return Decision(
            models=_all(policy, "strong"), level="strong", rule="critical-path", reason=reason, evidence=(waiting,)
        )
    reason = f"one of several tasks, and none waits for it (alone: {decision.reason})"
    return Decision(
        models=_all(policy, "default"), level="default", rule="parallel", reason=reason, evidence=decision.evidence
    )


def asked(task: str) -> Choice | None:
    """The choice in the task's own lines, if there is one."""
    named = _CHOSEN.search(task)
    if named is None:
        return None
    because = _BECAUSE.search(task)
    return Choice(model=named[1], reason=because[1] if because else "")


def stated(task: str, facts: Facts) -> Facts:
    """The facts, with what the task says itself: sizes, columns with their tables, two types."""
    rows = [_number(m[1]) * _LETTERS.get((m[2] or "").lower(), 1) for m in _ROWS.finditer(task)]
    much = [_number(m[1]) * _LETTERS[m[2].lower()] for m in _BYTES.finditer(task)]
    tables = [_SPOKEN.get(m[1].lower()) or int(_number(m[1])) for m in _TABLES.finditer(task)]
    return replace(
        facts,
        rows=max([facts.rows, *map(int, rows)]),
        bytes=max([facts.bytes, *map(int, much)]),
        tables=max([facts.tables, *tables]),
        named=max(facts.named, len(set(_COLUMN.findall(task)))),
        retyped=max(facts.retyped, int(len(types(normal(task))) > 1)),
    )


def types(words: str) -> frozenset[str]:
    """PostgreSQL's types that these words (see ``normal``) name."""
    said = frozenset(words.split())
    return _TYPES & (said | {word.removesuffix("s") for word in said})


def _number(text: str) -> float:
    cleaned = text.replace(",", "").replace("_", "").rstrip(".")
    try:
        return min(float(cleaned), 1e15)
    except ValueError:
        return 0.0


def normal(text: str) -> str:
    """The text's words in lower case with one space around each; ``camelCase`` stands there whole and in parts."""
    whole = _WORD.findall(text.lower())
    parts = _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return " " + " ".join(whole) + " " + ("" if parts == whole else " " + " ".join(parts) + " ")


@functools.cache
def _pattern(word: str) -> re.Pattern[str]:
    parts = " ".join(re.findall(r"[^\W_*]+\*?(?:[^\W_*]+\*?)*", word.lower()))
    return re.compile(r"(?<= )" + re.escape(parts).replace(r"\*", r"[^\W_]*") + r"(?= )")


def _said(words: Iterable[str], text: str) -> list[str]:
    return [m[0] for word in words if (m := _pattern(word).search(text))]


def _matching(globs: Iterable[str], names: Iterable[str]) -> list[str]:
    return sorted(n for n in names if any(fnmatch.fnmatchcase(n.lower(), g) for g in globs))


def _held(rule: Rule, words: str, facts: Facts, policy: Policy) -> Decision | None:
    """The decision of a rule, where all of its conditions hold."""
    evidence: list[str] = []
    for conditions, found, title in (
        (rule.words, _said(rule.words, words), "the task says"),
        (rule.also, _said(rule.also, words), "and"),
        (rule.verdicts, _matching(rule.verdicts, facts.verdicts), "verdict"),
        (rule.rules, _matching(rule.rules, facts.rules), "rule"),
        (rule.columns, _matching(rule.columns, facts.columns), "column"),
    ):
        if conditions and not found:
            return None
        evidence += [f"{title} {', '.join(found[:4])}"] if conditions else []
    for least, number, noun in (
        (rule.min_tables, facts.tables, "tables"),
        (rule.min_statements, facts.statements, "statements"),
        (rule.min_rows, facts.rows, "rows"),
        (rule.min_bytes, facts.bytes, "bytes"),
        (rule.min_named, facts.named, "columns by name"),
        (rule.min_retyped, facts.retyped, "column of another type"),
    ):
        if number < least:
            return None
        evidence += [f"{number:,} {noun}"] if least else []
    return _decided(rule, tuple(evidence), policy) if evidence else None


def _decided(rule: Rule, evidence: tuple[str, ...], policy: Policy) -> Decision:
    because = f" ({'; '.join(evidence)})" if evidence else ""
    models = policy.models["strong"] if rule.always and rule.model == "strong" else _all(policy, rule.model)
    return Decision(
        models=models, level=rule.model, rule=rule.name, reason=f"{rule.reason}{because}", evidence=evidence,
        always=rule.always,
    )  # fmt: skip


def _all(policy: Policy, level: Level) -> tuple[str, ...]:
    """A level's models, then those of the other: better a weaker proof-reader than none, where nothing forbids it."""
    other: Level = "strong" if level == "default" else "default"
    return tuple(dict.fromkeys((*policy.models[level], *policy.models[other])))
