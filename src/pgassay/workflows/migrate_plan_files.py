"""A plan as migrations in the project's own format: in a copy of the project, or in the place of the pending ones."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pgassay.errors import InputError, UsageError
from pgassay.migrate.plan import Plan, PlanStep
from pgassay.model import Migration, Project
from pgassay.sources import open_project
from pgassay.sources.writing import Change, Step, write, write_plain
from pgassay.workflows.migrate_plan import Planned

_AWAY = shutil.ignore_patterns("node_modules", ".git", ".venv", "venv", "__pycache__", ".mypy_cache")
_ONE_FILE = {"file", "stdin"}
_FOLDERS = {"drizzle-v1", "prisma"}  # each migration is a folder
REPLACED = "replaced-by-plan"


@dataclass(frozen=True, slots=True)
class Written:
    """The files, which step is in which, what has to be run by hand before which, and remarks for whoever deploys."""

    files: tuple[str, ...]
    of_step: dict[int, str] = field(default_factory=dict)
    by_hand: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def check_target(project: Project, out: str | None, *, write_in_place: bool) -> None:
    """Raise UsageError or InputError before the work begins where the plan could not be written after it."""
    if out is not None and write_in_place:
        raise UsageError("--out and --write contradict each other: choose one")
    if write_in_place and project.kind in _ONE_FILE:
        raise UsageError(f"{project.path} is no folder of migrations", hint="Name a folder to write to with --out DIR.")
    if out is not None and Path(out).exists() and (not Path(out).is_dir() or any(Path(out).iterdir())):
        raise InputError("is there already and not empty; --out wants a new folder", path=out)


def write_out(found: Planned, out: str, *, allow_code: bool = False) -> Written:
    """A copy of the project in a new folder that ends with the plan instead of the pending migrations."""
    project = found.project
    if project.kind in _ONE_FILE:
        written = write_plain(out, Change(name="plan", steps=tuple(_steps(found.plan))))
        paths = [p for p in written.paths if p.endswith(".up.sql")]
        return Written(written.paths, dict(enumerate(paths)))
    if not found.pending.deployed:
        raise UsageError(
            "all of the project's migrations are pending: there is none whose name the steps could follow",
            hint="--last N says that the last N files are pending; --format sql prints the steps.",
        )
    _copy(project, out)
    try:
        made = _into(_strip(project, found.pending.pending, out), found, allow_code=allow_code)
        _snapshot(found, made)
        return made
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def write_in_place(found: Planned, *, allow_code: bool = False) -> Written:
    """The plan in the place of the pending migrations, which move to a folder beside the project's."""
    project = found.project
    root = Path(project.path)
    aside = root.parent / f"{root.resolve().name}-{REPLACED}"
    if aside.exists():
        raise InputError("is there already: an earlier plan left the migrations there", path=str(aside))
    with tempfile.TemporaryDirectory(prefix="pgassay-plan-") as scratch:
        copy = str(Path(scratch) / root.resolve().name)
        made = write_out(found, copy, allow_code=allow_code)
        moved: list[tuple[Path, Path]] = []
        try:
            for path in _files(project, found.pending.pending):
                to = aside / path.relative_to(root)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, to)
                moved.append((to, path))
            for name in made.files:
                to = root / Path(name).relative_to(copy)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, to)
        except OSError as error:
            for to, path in moved:
                with contextlib.suppress(OSError):
                    shutil.move(to, path)
            raise InputError(f"cannot be written: {error.strerror or error}", path=project.path) from None

    def here(path: str) -> str:
        return str(root / Path(path).relative_to(copy))

    return Written(
        tuple(map(here, made.files)),
        {n: here(p) for n, p in made.of_step.items()},
        {n: here(p) for n, p in made.by_hand.items()},
        (f"the migrations that the plan replaces lie in {aside}", *(n.replace(copy, str(root)) for n in made.notes)),
    )


# Into a folder


def _into(target: str, found: Planned, *, allow_code: bool) -> Written:
    """Add each step to the project: together, or one by one where the runner sends all pending files at once."""
    kind = found.project.kind
    steps = list(_steps(found.plan))
    groups = [[s] for s in steps] if found.project.runner.one_transaction else [steps] if steps else []
    files: list[str] = []
    of_step: dict[int, str] = {}
    by_hand: dict[int, str] = {}
    notes: list[str] = []
    for number, group in enumerate(groups):
        before = open_project(target, kind=kind, allow_code=allow_code)
        written = write(before, Change(name=group[0].name, steps=tuple(group)), allow_code=allow_code)
        after = open_project(target, kind=kind, allow_code=allow_code)
        new = after.migrations[len(before.migrations) :]
        first = number if len(groups) > 1 else 0
        of_step |= {first + at: m.path for at, m in enumerate(new)}
        by_hand |= {first: p for p in written.paths if "by-hand" in p}  # noqa: B035 (one a group)
        files += [p for p in written.paths if p not in files]
        notes += [n for n in written.notes if n not in notes]
    if found.project.runner.one_transaction and len(steps) > 1:
        notes.append(
            f"{found.project.runner.name} sends all pending files in one transaction: deploy each of these before the"
            " next is added, or run them with `pgassay migrate up`"
        )
    return Written(tuple(files), of_step, by_hand, tuple(notes))


def _steps(plan: Plan) -> Iterator[Step]:
    for number, step in enumerate(plan.steps):
        yield Step(name=step.name, forward=step.sql, backward=step.back, comment=_comment(plan, number, step))


def _comment(plan: Plan, number: int, step: PlanStep) -> str:
    lines = [f"Step {number + 1} of {len(plan.steps)}, {step.phase}: {step.why}. Instead of {step.path}:{step.line}."]
    if step.mode == "batch":
        lines.append("On a large table run it with `pgassay migrate up` or `backfill`: in batches, throttled, resumed.")
    if step.phase == "contract":
        lines.append("Deploy this only after the old application is gone: its statements fail from here on.")
    if number == plan.deploy - 1 and plan.deploy < len(plan.steps):
        lines.append("Once this is deployed, deploy the new application.")
    return "\n".join(lines)


def _snapshot(found: Planned, made: Written) -> None:
    """Drizzle's last snapshot shows the schema that the replaced migrations lead to: its next diff starts there."""
    if not made.of_step or found.project.kind not in ("drizzle", "drizzle-v1"):
        return

    def place(path: str) -> Path:
        file = Path(path)
        if found.project.kind == "drizzle-v1":
            return file.parent / "snapshot.json"
        return file.parent / "meta" / f"{file.stem.split('_', 1)[0]}_snapshot.json"

    wanted, last = place(found.pending.pending[-1].path), place(made.of_step[max(made.of_step)])
    if wanted.exists() and last.exists():
        text = json.loads(wanted.read_text(encoding="utf-8"))
        own = json.loads(last.read_text(encoding="utf-8"))
        text |= {key: own[key] for key in ("id", "prevId", "prevIds") if key in own}
        last.write_text(json.dumps(text, indent=2, ensure_ascii=False), encoding="utf-8")


# What is copied, and what is not


def _files(project: Project, pending: tuple[Migration, ...]) -> Iterator[Path]:
    """The files of the pending migrations, their ways back and snapshots included."""
    root = Path(project.path)
    for migration in pending:
        path = Path(migration.path)
        if project.kind in _FOLDERS:
            yield path.parent
            continue
        yield path
        stem = path.name.removesuffix(".sql").removesuffix(".up")
        for other in (path.with_name(f"{stem}.down.sql"), path.parent / "down" / f"{stem}.sql",
                      path.parent / "by-hand" / f"{stem}.sql", path.parent.parent / "revert" / path.name,
                      path.parent.parent / "verify" / path.name):  # fmt: skip
            if other.exists() and other.is_relative_to(root):
                yield other
        if project.kind == "drizzle":
            snapshot = root / "meta" / f"{path.stem.split('_', 1)[0]}_snapshot.json"
            if snapshot.exists():
                yield snapshot


def _copy(project: Project, out: str) -> None:
    try:
        shutil.copytree(project.path, out, ignore=_AWAY, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise InputError(f"cannot be written: {error}", path=out) from None


def _strip(project: Project, pending: tuple[Migration, ...], out: str) -> str:
    """Take the pending migrations out of a copy; returns the copy's path."""
    root, copy = Path(project.path), Path(out)
    for path in _files(project, pending):
        inside = copy / path.relative_to(root)
        shutil.rmtree(inside) if inside.is_dir() else inside.unlink(missing_ok=True)
    names = {m.name for m in pending}
    journal = copy / "meta" / "_journal.json"
    if project.kind == "drizzle" and journal.exists():
        found = json.loads(journal.read_text(encoding="utf-8"))
        found["entries"] = [e for e in found["entries"] if e["tag"] not in names]
        journal.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")
    sqitch = copy / "sqitch.plan"
    if project.kind == "sqitch" and sqitch.exists():
        lines = sqitch.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if (re.match(r"[^\s%#@]+", line) or [""])[0] not in names]
        sqitch.write_text("".join(kept), encoding="utf-8")
    return out
