"""Which migrations are deployed already and which are under review.

Each answer holds all oddities that concern the review: those of the folder, less the ones of what was deployed before,
and those that only the comparison shows.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from pgassay.errors import InputError, UsageError
from pgassay.model import Migration, Oddity, Pending, Project
from pgassay.sources import drizzle, git
from pgassay.sources.files import inside, join, parent, read
from pgassay.sources.oddities import compares_files, edited, settle

_ALONE = {"file", "stdin"}
_JOURNAL = "meta/_journal.json"


def pending_history(project: Project) -> Pending:
    """Every migration in turn, each met by the database that the ones before it left."""
    why = "the one file given" if project.kind in _ALONE else "the whole history, one file after the other"
    return Pending(deployed=(), pending=project.migrations, why=why, history=True, oddities=project.oddities)


def pending_default(project: Project) -> Pending:
    """What the current branch adds to the default branch, if it adds anything; else the whole history."""
    history = pending_history(project)
    if project.kind in _ALONE:
        return history
    branch = git.default_branch(_folder(project))
    if branch is None:
        return history
    try:
        since = pending_since(project, branch)
    except UsageError:  # a shallow clone, an empty repository
        return history
    if since.pending:
        return since
    return replace(history, oddities=tuple(dict.fromkeys((*history.oddities, *since.oddities))))


def pending_since(project: Project, ref: str) -> Pending:
    """What was added since the current branch left ``ref``, uncommitted and untracked files included.

    Raises UsageError where git cannot tell.
    """
    if project.kind == "stdin":
        raise UsageError(f"--base {ref}: standard input has no history")
    folder = _folder(project)
    base = git.merge_base(folder, ref)
    before = git.files_at(folder, base)
    changed = git.modified_since(folder, base)
    paths = [inside(folder, m.path) for m in project.migrations]
    deployed = {i for i, path in enumerate(paths) if path in before}
    deployed -= {i for i in deployed if paths[i] in changed and _runs_again(project, project.migrations[i])}
    skipped: dict[int, Oddity] = {}
    oddities = [o for o in project.oddities if inside(folder, o.path) not in before]
    if project.kind == "drizzle" and _JOURNAL in before:
        deployed, skipped = _by_journal(project, git.text_at(folder, base, _JOURNAL) or "", deployed)
    elif project.kind == "drizzle":
        deployed = set()
    oddities += [
        edited(project, project.migrations[i], f"since {ref}")
        for i in sorted(deployed)
        if paths[i] in changed and _differs(project, project.migrations[i], git.text_at(folder, base, paths[i]) or "")
    ]
    return settle(project, deployed, skipped, f"added since {ref} (merge base {base[:9]})", oddities)


def _by_journal(project: Project, base: str, by_file: set[int]) -> tuple[set[int], dict[int, Oddity]]:
    """Drizzle's own measure: the greatest ``when`` that the base's journal names."""
    journal = join(project.path, _JOURNAL)
    try:
        whens = drizzle.journal_whens(base, journal)
    except InputError:
        return by_file, {}
    newest = max(whens, key=whens.__getitem__)
    present = {m.name for m in project.migrations}
    renamed = {when for tag, when in whens.items() if tag not in present}
    deployed: set[int] = set()
    skipped: dict[int, Oddity] = {}
    for i, migration in enumerate(project.migrations):
        when = migration.when or 0
        if when > whens[newest]:
            continue
        if migration.name in whens or when in renamed:
            deployed.add(i)
        else:
            text = read(journal).text
            skipped[i] = drizzle.overtaken(text, journal, migration, newest, whens[newest])
    return deployed, skipped


def _folder(project: Project) -> str:
    return parent(project.path) if project.kind in _ALONE else project.path


def _runs_again(project: Project, migration: Migration) -> bool:
    return project.kind == "file" or (project.kind == "flyway" and migration.name.startswith("R__"))


def _differs(project: Project, migration: Migration, before: str) -> bool:
    """Whether an edit changes more than comments and spaces, where the runner does not mind those."""
    if compares_files(project):
        return True
    now = read(migration.path).text
    try:
        if migration.path.endswith(".py"):
            return ast.dump(ast.parse(before)) != ast.dump(ast.parse(now))
        texts = [[" ".join(s.text.split()) for s in drizzle.pieces(t, migration.path)] for t in (before, now)]
    except (InputError, SyntaxError, ValueError):
        return True
    return texts[0] != texts[1]
