"""The report for a terminal, written for someone who reviews a pull request."""

from __future__ import annotations

import io
import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pgassay.model import Finding, Remedy, Report, Verdict
from pgassay.report.words import count, duration, one_line, visible

_STYLES = {
    Verdict.FAILS: "bold red",
    Verdict.LOSES_DATA: "bold red",
    Verdict.BREAKS_APP: "bold magenta",
    Verdict.BLOCKS: "bold yellow",
    Verdict.EXPOSES: "yellow",
    Verdict.SLOWS: "cyan",
    Verdict.STYLE: "blue",
}
_EXCERPT = 3  # lines of a statement
_EVIDENCE = 6  # bullets a finding
_FILES = 30  # rows of the table
_SKIPPED = 10  # lines of what was not rehearsed
_NARROW = 64  # columns below which the table of files keeps to what matters


def text(report: Report, *, width: int = 100, colour: bool = False, verbose: bool = False) -> str:
    """The report as lines of at most ``width`` columns; only SQL to be copied (a remedy) may be longer, never wrapped.

    ``verbose`` lists everything that is otherwise counted: whole statements, all evidence, suppressed findings.
    """
    page = _Page(width, colour=colour)
    _head(page, report)
    findings = sorted(report.findings, key=lambda f: f.verdict.rank)
    if findings:
        page.blank()
        _files(page, report, verbose=verbose)
    for finding in findings:
        page.blank()
        _finding(page, finding, verbose=verbose)
    _rest(page, report, verbose=verbose)
    _summary(page, report)
    return page.getvalue()


class _Page:
    """Lines of text, wrapped by us: rich pads what it wraps."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self.width = max(width, 40)
        self.colour = colour
        self._file = io.StringIO()
        self.console = Console(
            file=self._file,
            width=self.width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
            _environ={},  # pure: the environment has no say
        )

    def blank(self) -> None:
        self._file.write("\n")

    def prose(self, words: Text, *, first: str = "", indent: str | None = None) -> None:
        """Words wrapped to the width, after ``first``; further lines after ``indent``."""
        indent = first if indent is None else indent
        room = self.width - max(len(first), len(indent))
        if "\n" not in words.plain and words.cell_len <= room:  # the common case, and wrapping is slow
            self.code(Text(first) + words)
            return
        for n, line in enumerate(words.wrap(self.console, room)):
            line.rstrip()
            self.code(Text(first if n == 0 else indent) + line)

    def code(self, line: Text) -> None:
        """One line as it is, however long."""
        if self.colour:
            self.console.print(line, soft_wrap=True)
        else:
            self._file.write(line.plain + "\n")

    def cut(self, line: Text) -> None:
        """One line, cut at the width."""
        line.truncate(self.width, overflow="ellipsis")
        self.code(line)

    def getvalue(self) -> str:
        return "\n".join(line.rstrip() for line in self._file.getvalue().split("\n"))


def _head(page: _Page, report: Report) -> None:
    project = report.project
    scope = f"{project.pending:,} of {count(project.migrations, 'migration')} under review"
    if project.kind == "database":
        scope = f"{count(len(report.files), 'table')} under review"
    why = f" ({one_line(project.why)})" if project.why else ""
    page.prose(
        Text.assemble((one_line(project.path), "bold"), f" · {one_line(project.kind)} · {scope}{why}"), indent="  "
    )
    if report.server.version is None:
        server = "Static: the text alone was read, nothing was run"
    else:
        server = f"PostgreSQL {one_line(report.server.version)} ({one_line(report.server.source)})"
        server += f", {count(report.rows, 'row')} a table" if report.rows is not None else ""
    page.prose(Text(server, style="dim"), indent="  ")


def _files(page: _Page, report: Report, *, verbose: bool) -> None:
    wide = page.width >= _NARROW
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(_noun(report), overflow="fold", min_width=10)
    table.add_column("worst", no_wrap=True)
    table.add_column("findings", justify="right", no_wrap=True)
    if wide:
        table.add_column("statements", justify="right", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
    found = [f for f in report.files if f.worst is not None]
    shown = len(found) if verbose else _FILES
    for file in sorted(found, key=lambda f: f.worst.rank if f.worst else 0)[:shown]:
        assert file.worst is not None
        path = file.path.removeprefix(report.project.path.rstrip("/") + "/") or file.path
        cells = [Text(one_line(path)), Text(file.worst.value, style=_STYLES[file.worst]), Text(str(file.findings))]
        if wide:
            cells += [Text(str(file.statements)), Text("" if file.ms is None else duration(file.ms))]
        table.add_row(*cells)
    if len(found) > shown:
        table.add_row(Text(f"… {count(len(found) - shown, f'more {_noun(report)}')}", style="dim"))
    if clean := len(report.files) - len(found):
        words = count(clean, f"other {_noun(report)}" if found else _noun(report))
        table.add_row(Text(words, style="dim"), Text("nothing", style="dim"), Text("0", style="dim"))
    page.console.print(table)


def _noun(report: Report) -> str:
    """What findings are counted by: the files of a project, the tables of a database."""
    return "table" if report.project.kind == "database" else "file"


def _finding(page: _Page, finding: Finding, *, verbose: bool) -> None:
    place = Text(one_line(finding.path) + (f":{finding.line}" if finding.line else ""), style="bold")
    kind = Text.assemble(
        (finding.verdict.value, _STYLES[finding.verdict]),
        (f" · {finding.certainty.value} · {one_line(finding.rule)}", "dim"),
    )
    if place.cell_len + 2 + kind.cell_len <= page.width:
        page.prose(Text.assemble(place, "  ", kind))
    else:
        page.prose(place, indent="    ")
        page.prose(kind, first="    ")
    page.prose(Text(visible(finding.message)), first="  ")
    _excerpt(page, finding.statement, whole=verbose)
    evidence = [e for e in finding.evidence if e.text.strip() and e.text not in finding.message]
    shown = len(evidence) if verbose else _EVIDENCE
    for item in evidence[:shown]:
        page.prose(Text(one_line(item.text)), first="  • ", indent="    ")
    if len(evidence) > shown:
        page.prose(Text(f"… {len(evidence) - shown} more in --verbose or --format json", style="dim"), first="  • ")
    if finding.remedy is not None:
        _remedy(page, finding.remedy)


def _excerpt(page: _Page, statement: str, *, whole: bool) -> None:
    lines = [line for line in visible(textwrap.dedent(statement).strip()).split("\n") if line.strip()]
    shown = len(lines) if whole or len(lines) == _EXCERPT + 1 else _EXCERPT
    for line in lines[:shown]:
        page.cut(Text.assemble(("  │ ", "dim"), line.rstrip()))
    if len(lines) > shown:
        page.cut(Text(f"  │ … {count(len(lines) - shown, 'more line')}", style="dim"))


def _remedy(page: _Page, remedy: Remedy) -> None:
    words = "Remedy, verified on the scratch server" if remedy.verified else "Remedy, not verified"
    style = "green" if remedy.verified else "dim"
    note = f": {one_line(remedy.note)}" if remedy.note else ":" if remedy.sql.strip() else ""
    page.prose(Text.assemble((words, style), note), first="  ")
    for line in visible(textwrap.dedent(remedy.sql).strip("\n")).split("\n") if remedy.sql.strip() else ():
        page.code(Text(f"      {line}"))


def _rest(page: _Page, report: Report, *, verbose: bool) -> None:
    if report.skipped:
        page.blank()
        page.prose(Text("Not rehearsed:", style="bold"))
        shown = len(report.skipped) if verbose else _SKIPPED
        for skipped in report.skipped[:shown]:
            place = one_line(skipped.path) + (f":{skipped.line}" if skipped.line else "")
            page.prose(Text(f"{place}  {one_line(skipped.reason)}"), first="  • ", indent="    ")
            if verbose:
                _excerpt(page, skipped.statement, whole=False)
        if len(report.skipped) > shown:
            page.prose(Text(f"… {len(report.skipped) - shown} more", style="dim"), first="  • ")
    if report.notes:
        page.blank()
        for note in report.notes:
            page.prose(Text.assemble(("Note: ", "dim"), one_line(note)), indent="  ")
    if report.suppressed and verbose:
        page.blank()
        page.prose(Text("Suppressed by a comment:", style="bold"))
        for finding in report.suppressed:
            place = one_line(finding.path) + (f":{finding.line}" if finding.line else "")
            page.prose(
                Text(f"{place}  {finding.verdict.value} · {one_line(finding.rule)}"), first="  • ", indent="    "
            )


def _summary(page: _Page, report: Report) -> None:
    parts: list[tuple[str, str]] = []
    for verdict in Verdict:
        if number := report.summary[verdict.value]:
            parts += [(", " if parts else "", ""), (f"{number} {verdict.value}", _STYLES[verdict])]
    if not parts:
        parts = [("nothing found", "bold green")]
    if report.suppressed:
        parts.append((f", {len(report.suppressed):,} suppressed", ""))
    if report.skipped:
        parts.append((f", {len(report.skipped):,} not rehearsed", ""))
    scope = f"{count(len(report.files), 'file')}, {count(sum(f.statements for f in report.files), 'statement')}"
    if report.project.kind == "database":
        scope = count(len(report.files), "table")
    if report.probed:
        scope += f", {count(report.probed, 'probe')} of the running application"
    if report.findings or report.skipped or report.notes or report.suppressed:
        page.blank()
    page.prose(Text.assemble(scope, ": ", *parts, f" in {duration(report.seconds * 1_000)}"), indent="  ")
