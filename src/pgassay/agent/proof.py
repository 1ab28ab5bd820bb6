"""What pgassay itself saw of the agent's work. Gates and the word ``completed`` come from here, never from a model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pgassay.agent.fence import Fence
from pgassay.errors import PgassayError
from pgassay.model import Finding, Report, Verdict

Say = Callable[[str], None]
_ROWS = 200  # a table: enough for a rehearsal to show what waits and what breaks


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How workflows read the project and start servers; passed on as it is."""

    kind: str | None = None
    allow_code: bool = False
    postgres_version: int | None = None
    postgres_bin: str | None = None

    @property
    def reading(self) -> dict[str, Any]:
        """As options of whatever opens the project."""
        return {"kind": self.kind, "allow_code": self.allow_code}

    @property
    def server(self) -> dict[str, Any]:
        """As options of whatever starts a server."""
        return {"postgres_version": self.postgres_version, "postgres_bin": self.postgres_bin}

    @property
    def options(self) -> dict[str, Any]:
        """As options of a workflow on the project."""
        return self.reading | self.server


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A workflow that ended: on the files as ``digest`` tells; with a report, or with what went wrong."""

    verb: str
    digest: str
    report: Report | None = None
    problem: str | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the runs on the final files say. ``fresh``: findings that were not there before, ``known``: how many were;
    ``problems``: why nothing may be called completed."""

    ran: tuple[Ran, ...]
    fresh: tuple[Finding, ...] = ()
    known: int = 0
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the work may be called completed."""
        return not self.problems

    def report(self, verb: str) -> Report | None:
        """The last report of a verb, with fresh findings alone."""
        found = next((r.report for r in reversed(self.ran) if r.verb == verb and r.report), None)
        if found is None:
            return None
        mine = set(map(id, self.fresh))
        return replace(found, findings=tuple(f for f in (*found.findings, *found.suppressed) if id(f) in mine))


@dataclass(slots=True)
class Proof:
    """Runs workflows on the project and keeps what they said."""

    fence: Fence
    how: How = field(default_factory=How)
    threshold: Verdict = Verdict.BLOCKS
    say: Say = lambda _: None
    ran: list[Ran] = field(default_factory=list)
    _known: dict[tuple[str, ...], set[tuple[str, str, str, str]]] = field(default_factory=dict)

    def review(
        self, path: str = ".", *, history: bool = False, static: bool = False, text: str | None = None
    ) -> Report:
        """``pgassay review``. Raises PgassayError."""
        from pgassay.sources import placed
        from pgassay.workflows.options import ReviewOptions
        from pgassay.workflows.review import review

        where, draft = str(self._place(path)), dict[str, Any]()
        if text is not None:
            where, draft = placed(where, text, **self.how.reading)
        history = history and text is None
        options = ReviewOptions(history=history, static=static, rows=_ROWS, **self.how.options, **draft)
        verb = "draft" if text is not None else "static" if static else "review"
        return self._kept(verb, path, lambda: review(where, options, self.say))

    def check(self, path: str = ".") -> Report:
        """``pgassay check``. Raises PgassayError."""
        from pgassay.workflows.check import CheckOptions, check

        options = CheckOptions(project=str(self._place(path)), **self.how.options)
        return self._kept("check", path, lambda: check(options, self.say))

    def secure(self, path: str = ".") -> Report:
        """``pgassay secure``. Raises PgassayError."""
        from pgassay.workflows.secure import SecureOptions, secure

        options = SecureOptions(project=str(self._place(path)), **self.how.options)
        return self._kept("secure", path, lambda: secure(options, self.say))

    def other(self, verb: str, **figures: float) -> None:
        """Keep a run of a workflow that makes no report: tune, explain, diff."""
        self.ran.append(Ran(verb=verb, digest=self.fence.digest(), figures=figures))

    def _place(self, path: str) -> Path:
        return self.fence.root / self.fence.inside(path)

    def _kept(self, verb: str, path: str, run: Callable[[], Report]) -> Report:
        digest = self.fence.digest()
        whole = self.fence.inside(path) == "."
        report = run()
        # A part of the project proves nothing of the whole.
        self.ran.append(Ran(verb=verb if whole else f"{verb} {path}", digest=digest, report=report))
        return report

    # The proof

    def prove(self) -> Proven:
        """Run what has not been run on the files as they are now, and judge. Every fault becomes a problem."""
        if not self.fence.changed:
            ran = tuple(r for r in self.ran if r.problem is None)
            return Proven(ran=ran, problems=() if ran else ("nothing was changed, and nothing was run",))
        digest = self.fence.digest()
        for verb in ("review", "check"):
            if not any(r.verb == verb and r.digest == digest for r in self.ran):
                try:
                    self.review() if verb == "review" else self.check()
                except PgassayError as error:
                    self.ran.append(Ran(verb=verb, digest=digest, problem=str(error)))
        ran = tuple(r for r in self.ran if r.digest == digest)
        found = [f for r in ran if r.verb in ("review", "check") and r.report for f in r.report.findings]
        hidden = [f for r in ran if r.verb in ("review", "check") and r.report for f in r.report.suppressed]
        before = self._before() if any(f.verdict.at_least(self.threshold) for f in (*found, *hidden)) else set()
        fresh = [f for f in found if self._key(f, self.fence.root) not in before]
        silenced = [
            f for f in hidden if f.verdict.at_least(self.threshold) and self._key(f, self.fence.root) not in before
        ]
        problems = [f"{r.verb} did not end: {r.problem}" for r in ran if r.problem]
        problems += [
            f"{self._where(f)}: {f.rule} ({f.verdict}): {f.message}"
            for f in fresh
            if f.verdict.at_least(self.threshold)
        ]
        problems += [
            f"{self._where(f)}: {f.rule} ({f.verdict}) was allowed by a comment of the agent's own" for f in silenced
        ]
        problems += self._gaps(ran)
        return Proven(
            ran=ran, fresh=(*fresh, *silenced), known=len(found) - len(fresh), problems=tuple(dict.fromkeys(problems))
        )

    def _gaps(self, ran: tuple[Ran, ...]) -> list[str]:
        """Changed SQL that no run has met."""
        reports = [r.report for r in ran if r.verb == "review" and r.report]
        gaps = [
            f"{self._relative(s.path)}:{s.line} was not rehearsed: {s.reason}"
            for report in reports
            for s in report.skipped
            if self._relative(s.path) in self.fence.changed
        ]
        met = {self._relative(f.path) for report in reports for f in report.files}
        folders = {self._relative(report.project.path) for report in reports}
        for name in self.fence.changed:
            inside = any(folder in (".", "") or name.startswith(f"{folder}/") for folder in folders)
            if name.endswith(".sql") and name not in met and inside and not name.endswith((".down.sql", ".undo.sql")):
                gaps.append(f"{name} is no migration that the runner would run now, so nothing has tried it")
        return gaps

    def _relative(self, path: str) -> str:
        try:
            return (Path.cwd() / path).resolve().relative_to(self.fence.root.resolve()).as_posix()
        except ValueError:
            return path

    def _where(self, finding: Finding) -> str:
        return f"{self._relative(finding.path)}:{finding.line}"

    def _key(self, finding: Finding, root: Path) -> tuple[str, str, str, str]:
        path = finding.path
        for prefix in (f"{root}/", f"{root.resolve()}/"):
            path = path.removeprefix(prefix)
        path = self._relative(path) if root == self.fence.root else path
        return (finding.rule, path, " ".join(finding.statement.split()), finding.subject)

    def _before(self) -> set[tuple[str, str, str, str]]:
        """The findings of the project as it was before the agent changed anything, tried on a copy, once."""
        key = tuple(sorted(self.fence.before))
        if key not in self._known:
            self._known[key] = self._found_before()
        return self._known[key]

    def _found_before(self) -> set[tuple[str, str, str, str]]:
        with tempfile.TemporaryDirectory(prefix="pgassay-before-") as folder:
            copy = Path(folder, "project")
            shutil.copytree(
                self.fence.root,
                copy,
                symlinks=True,
                ignore=shutil.ignore_patterns("node_modules", ".git", ".venv", "__pycache__"),
            )
            for name, text in self.fence.before.items():
                if text is None:
                    (copy / name).unlink(missing_ok=True)
                else:
                    (copy / name).write_text(text, encoding="utf-8", newline="")
            then = Proof(fence=Fence(copy), how=self.how, say=lambda _: None)
            found: set[tuple[str, str, str, str]] = set()
            runs: tuple[Callable[[], Report], ...] = (lambda: then.review(history=True), then.check)
            for run in runs:
                try:
                    report = run()
                except PgassayError:  # nothing could be run before, so nothing was found
                    continue
                found |= {then._key(f, copy) for f in (*report.findings, *report.suppressed)}
        return found
