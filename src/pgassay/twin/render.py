"""Small makers of SQL over the row number: each takes and gives functions from the number's SQL to a value's."""

from __future__ import annotations

from collections.abc import Callable

from pgassay.twin.facts import Facts
from pgassay.twin.keys import Digit
from pgassay.twin.values import hashed


def always(made: Callable[[str], str]) -> Callable[[Facts], Callable[[str], str]]:
    return lambda _facts: made


def constantly(text: str) -> Callable[[str], str]:
    return lambda _i: text


def until(last: int, value: Callable[[str], str]) -> Callable[[str], str]:
    return lambda i: f"CASE WHEN {i} <= {last} THEN {value(i)} END"


def shown(digit: Digit, i: str) -> str:
    if digit.how is not None:
        return digit.how(i)
    return f"({i} - 1)" if digit.whole else f"((({i} - 1) / {digit.divisor}) % {digit.modulus})"


def earlier(value: Callable[[str], str], back: int, first: int, other: str) -> Callable[[str], str]:
    """The value of the row ``back`` before; the first rows have another one."""
    return lambda i: f"CASE WHEN {i} > {first} THEN {value(f'({i} - {back})')} ELSE {other} END"


def any_earlier(value: Callable[[str], str], salt: int) -> Callable[[str], str]:
    return lambda i: f"CASE WHEN {i} > 1 THEN {value(f'(1 + {hashed(i, salt)} % greatest({i} - 1, 1))')} END"


def one_of(made: list[Callable[[str], str]], salt: int) -> Callable[[str], str]:
    def expression(i: str) -> str:
        cases = " ".join(f"WHEN {n} THEN {each(i)}" for n, each in enumerate(made))
        return f"CASE {hashed(i, salt)} % {len(made)} {cases} END"

    return expression
