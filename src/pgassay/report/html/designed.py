"""A design as a page: the diagram, tables and why they are there, bytes a row."""

from __future__ import annotations

from markupsafe import Markup

from pgassay.report.design import Designed
from pgassay.report.drawing import picture
from pgassay.report.html.page import render


def design_html(designed: Designed) -> str:
    """The page."""
    tables = {t.name.name: t for t in designed.catalog.tables if t.partition_of is None}
    return render(
        "design.html",
        designed=designed,
        tables=[(t, tables[t.name]) for t in designed.design.tables if t.name in tables],
        # The picture escapes what it draws.
        picture=Markup(picture(designed.catalog)),
    )
