"""Statements as ``pg_stat_statements`` writes them, made into statements that PostgreSQL prepares.

It puts ``$n`` for constants, also where the grammar has no place for one (``interval $1``, ``extract($1 FROM x)``). An
expression that is selected and grouped by has its ``$n`` once, and there the other one keeps its constant, which tells
what the parameter was; or it is numbered anew (before PostgreSQL 16). Either way the two are no longer equal.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message
from postgast import parse, scan
from postgast import pg_query_pb2 as pg

from pgassay.sql.normalise import Edit, edited, walk

_FIELDS = frozenset(b"year month day hour minute second to ( ) 0 1 2 3 4 5 6".split())


def repair(text: str) -> str:
    """The statement with parameters only where PostgreSQL takes them, numbered from 1 without a gap.

    A text that needs nothing comes back as it is. Raises PgQueryError.
    """
    tree = parse(text)
    raw = text.encode()
    tokens = list(scan(text).tokens)
    words = {token.start: raw[token.start : token.end].decode() for token in tokens}
    same = _Same()
    replaced: list[Edit] = []
    gone: set[int] = set()  # where a parameter began that is none any more
    for message in walk(tree):
        match message:
            case pg.TypeCast() if message.location < 0 and message.arg.HasField("param_ref"):
                start, at = message.type_name.location, message.arg.param_ref.location
                end, after = _end(raw, tokens, at, fields=bool(message.type_name.typmods))
                kind = raw[start:at].decode().strip() + after
                replaced += [Edit(start, at, "CAST("), Edit(end, end, f" AS {kind})")]
                if after:
                    first = next(t.end for t in tokens if t.start == at)
                    replaced[-1] = Edit(first, end, f" AS {kind})")
            case pg.FuncCall() if _extracts(message):
                at = message.args[0].param_ref.location
                gone.add(at)
                replaced.append(Edit(at, _end(raw, tokens, at)[0], "day"))
            case pg.SelectStmt():
                for one, other in _repeated(message, words):
                    same.join(one, other)
            case _:
                pass
    numbers: dict[int, int] = {}
    for token in tokens:
        if token.token != pg.PARAM or token.start in gone:
            continue
        number = int(raw[token.start + 1 : token.end])
        if same.constant(number) is not None:
            replaced.append(Edit(token.start, token.end, same.constant(number) or ""))
            continue
        new = numbers.setdefault(same.first(number), len(numbers) + 1)
        if new != number:
            replaced.append(Edit(token.start, token.end, f"${new}"))
    return edited(text, replaced) if replaced else text


def _extracts(call: pg.FuncCall) -> bool:
    return bool(
        call.funcname[-1].string.sval == "extract"
        and call.funcformat == pg.COERCE_SQL_SYNTAX
        and call.args[0].HasField("param_ref")
    )


def _end(raw: bytes, tokens: list[pg.ScanToken], at: int, *, fields: bool = False) -> tuple[int, str]:
    """Where a parameter ends, with the fields behind that belong to its type (``interval $1 day to second``)."""
    place = next(i for i, token in enumerate(tokens) if token.start == at)
    end, words = tokens[place].end, []
    for token in tokens[place + 1 :] if fields else ():
        word = raw[token.start : token.end].lower()
        if word not in _FIELDS or (word == b")" and "(" not in words):
            break
        words.append(word.decode())
        end = token.end
    return end, "".join(f" {word}" for word in words)


class _Same:
    """Parameters that stand for the same value, and the value where some place tells it."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}
        self._told: dict[int, str] = {}

    def constant(self, number: int) -> str | None:
        """The constant that a parameter was, as SQL."""
        return next((text for told, text in self._told.items() if self.first(told) == self.first(number)), None)

    def first(self, number: int) -> int:
        """The number that stands for all that are the same."""
        while number in self._before:
            number = self._before[number]
        return number

    def join(self, one: int | str, other: int | str) -> None:
        """Say that two are the same: parameters' numbers, or a constant."""
        if isinstance(one, str) or isinstance(other, str):
            for number, text in ((one, other), (other, one)):
                if isinstance(number, int) and isinstance(text, str):
                    self._told[number] = text
            return
        low, high = sorted((self.first(one), self.first(other)))
        if low != high:
            self._before[high] = low


def _repeated(select: pg.SelectStmt, words: dict[int, str]) -> Iterator[tuple[int | str, int | str]]:
    """Pairs of values in expressions that must be equal: grouped and selected, selected DISTINCT and sorted."""
    keys = list(select.group_clause) + (list(select.target_list) if select.distinct_clause else [])
    wanted: dict[bytes, list[int | str]] = {}
    for node in keys:
        key = node.res_target.val if node.HasField("res_target") else node
        shape, values = _shape(key, words)
        if values and not key.HasField("a_const"):  # ``GROUP BY 1`` is a place in the list
            wanted.setdefault(shape, values)
    if not wanted:
        return
    places = [*select.target_list, *select.group_clause, *select.sort_clause, select.having_clause]
    for place in places:
        for each in walk(place):
            if isinstance(each, pg.Node):
                shape, values = _shape(each, words)
                yield from zip(wanted.get(shape, ()), values, strict=False)


def _shape(node: pg.Node, words: dict[int, str]) -> tuple[bytes, list[int | str]]:
    """An expression without its places and values, and these: parameters' numbers, and constants as SQL."""
    copy = pg.Node()
    copy.CopyFrom(node)
    values: list[int | str] = []
    for each in walk(copy):
        if isinstance(each, pg.Node) and each.HasField("param_ref"):
            values.append(each.param_ref.number)
            each.param_ref.number = 0
        elif isinstance(each, pg.Node) and each.HasField("a_const") and not each.a_const.isnull:
            values.append(words.get(each.a_const.location, ""))
            each.param_ref.number = 0
        if _placed(each):
            each.ClearField("location")
    return copy.SerializeToString(deterministic=True), values


def _placed(message: Message) -> bool:
    return "location" in message.DESCRIPTOR.fields_by_name
