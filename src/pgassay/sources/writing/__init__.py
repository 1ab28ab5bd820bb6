"""Migrations written in a project's own format, forward and back.

>>> change = Change(name="tune", steps=(Step(name="t_a_idx", forward=("CREATE INDEX …",), backward=("DROP INDEX …",)),))
>>> write(open_project("."), change).paths
"""

from pgassay.sources.writing.compose import compose, compose_plain
from pgassay.sources.writing.model import Change, Expected, NewFile, Step, Writing
from pgassay.sources.writing.save import write, write_plain

__all__ = [
    "Change",
    "Expected",
    "NewFile",
    "Step",
    "Writing",
    "compose",
    "compose_plain",
    "write",
    "write_plain",
]
