"""A catalog as an SVG entity relationship diagram, drawn without a server, a font file or a script."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from pgassay.catalog import Catalog, Table
from pgassay.model import Name
from pgassay.report.drawing.relations import Relation, marks, relations, shown, title

_LETTER, _LINE, _PAD, _GAP, _CHANNEL = 7.2, 18, 10, 24, 70  # pixels: a letter's width, a line's height, spaces
_MANY = 14  # columns of a table that are drawn; the rest is counted
_STYLE = """
svg{font:12px ui-monospace,Menlo,Consolas,monospace;background:#fff}
.box{fill:#fff;stroke:#8a93a3}.head{fill:#e8ecf3}.name{font-weight:bold;fill:#1c2430}.column{fill:#1c2430}
.type,.more{fill:#667085}.key{fill:#8a4b00}.line{fill:none;stroke:#5b6b85;stroke-width:1.3}
@media(prefers-color-scheme:dark){svg{background:#12161c}.box{fill:#1a2029;stroke:#566073}.head{fill:#252d3a}
.name,.column{fill:#e6e9ef}.type,.more{fill:#97a1b3}.key{fill:#f0b266}.line{stroke:#8fa3c4}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    table: Table
    x: float
    y: float
    width: float
    height: float


def picture(catalog: Catalog, heading: str = "Entity relationship diagram") -> str:
    """The SVG. Parents stand left of their children; tables without foreign keys fill the columns at the right."""
    links = relations(catalog)
    boxes = _place(shown(catalog), links)
    width = max((b.x + b.width for b in boxes.values()), default=0) + _GAP
    height = max((b.y + b.height for b in boxes.values()), default=0) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{_attribute(heading)}">',
        f"<title>{escape(heading)}</title><style>{_STYLE}</style>",
    ]
    parts += [_link(link, boxes[link.child], boxes[link.parent]) for link in links]
    parts += [_draw(box) for box in boxes.values()]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _place(tables: tuple[Table, ...], links: tuple[Relation, ...]) -> dict[Name, _Box]:
    """Columns by the longest way from a table without parents; what would grow too high goes on in another column."""
    level = _levels(tables, links)
    linked = {n for link in links for n in (link.child, link.parent)}
    total = sum(_size(t)[1] + _GAP for t in tables)
    most = max(600.0, (total * 320) ** 0.5)  # the height of a picture about as wide as it is high
    groups: list[list[Table]] = [
        [t for t in tables if t.name in linked and level[t.name] == depth] for depth in sorted(set(level.values()))
    ]
    groups.append([t for t in tables if t.name not in linked])
    boxes: dict[Name, _Box] = {}
    x = float(_GAP)
    for group in filter(None, groups):
        y, widest = float(_GAP), 0.0
        for table in group:
            width, height = _size(table)
            if y > _GAP and y + height > most:
                x, y, widest = x + widest + _CHANNEL, float(_GAP), 0.0
            boxes[table.name] = _Box(table=table, x=x, y=y, width=width, height=height)
            y, widest = y + height + _GAP, max(widest, width)
        x += widest + _CHANNEL
    return boxes


def _levels(tables: tuple[Table, ...], links: tuple[Relation, ...]) -> dict[Name, int]:
    level = {t.name: 0 for t in tables}
    for _ in tables:  # a cycle ends after as many rounds as there are tables
        moved = False
        for link in links:
            wanted = level[link.parent] + 1
            if link.child != link.parent and level[link.child] < wanted < len(tables):
                level[link.child] = wanted
                moved = True
        if not moved:
            break
    return level


def _lines(table: Table) -> list[tuple[str, str, str]]:
    return [(c.name, _type(c.type), marks(table, c)) for c in table.columns]


def _size(table: Table) -> tuple[float, float]:
    lines = _lines(table)
    longest = max((len(n) + len(t) + len(k) + 3 for n, t, k in lines[:_MANY]), default=0)
    letters = max(longest, len(title(table.name)))
    rows = min(len(lines), _MANY) + (len(lines) > _MANY)
    return letters * _LETTER + 2 * _PAD, (rows + 1) * _LINE + 12


def _draw(box: _Box) -> str:
    lines = _lines(box.table)
    x, y = box.x, box.y
    parts = [
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>',
        f'<rect class="head" x="{x + 1:.1f}" y="{y + 1:.1f}" width="{box.width - 2:.1f}" height="{_LINE + 3}" rx="3"/>',
        f'<text class="name" x="{x + _PAD:.1f}" y="{y + 15:.1f}">{escape(title(box.table.name))}</text>',
    ]
    for number, (name, kind, key) in enumerate(lines[:_MANY], start=1):
        base = y + 17 + number * _LINE
        right = x + box.width - _PAD
        words = f' <tspan class="key">{escape(key)}</tspan>' if key else ""
        parts.append(
            f'<text class="column" x="{x + _PAD:.1f}" y="{base:.1f}">{escape(name)}{words}</text>'
            f'<text class="type" x="{right:.1f}" y="{base:.1f}" text-anchor="end">{escape(kind)}</text>'
        )
    if len(lines) > _MANY:
        base = y + 17 + (_MANY + 1) * _LINE
        parts.append(f'<text class="more" x="{x + _PAD:.1f}" y="{base:.1f}">{len(lines) - _MANY} more</text>')
    return "\n".join(parts)


def _link(link: Relation, child: _Box, parent: _Box) -> str:
    start, end = _port(child, link.columns), (parent.y + 12)
    left, right = (child, parent) if child.x <= parent.x else (parent, child)
    if child is parent or abs(child.x - parent.x) < 1:
        edge = max(child.x + child.width, parent.x + parent.width)
        path = f"M{child.x + child.width:.1f},{start:.1f} C{edge + 50:.1f},{start:.1f} {edge + 50:.1f},{end:.1f} "
        path += f"{parent.x + parent.width:.1f},{end:.1f}"
    else:
        here, there = (start, end) if left is child else (end, start)
        begin, stop = left.x + left.width, right.x
        middle = (begin + stop) / 2
        path = f"M{begin:.1f},{here:.1f} C{middle:.1f},{here:.1f} {middle:.1f},{there:.1f} {stop:.1f},{there:.1f}"
    words = f"{title(link.child)} ({', '.join(link.columns)}) refers to {title(link.parent)}"
    return f'<path class="line" d="{path}"><title>{escape(words)}</title></path>'


def _port(box: _Box, columns: tuple[str, ...]) -> float:
    names = [c.name for c in box.table.columns][:_MANY]
    row = names.index(columns[0]) + 1 if columns and columns[0] in names else 0
    return box.y + 12 + row * _LINE


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def _type(text: str) -> str:
    return text.removeprefix("public.").replace("timestamp with time zone", "timestamptz")
