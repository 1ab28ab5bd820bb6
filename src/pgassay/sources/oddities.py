"""What goes wrong between a folder and a database that has some of it already."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pgassay.model import Migration, Oddity, Pending, Project
from pgassay.sources import flyway
from pgassay.sources.detect import root_of

_NOTICES = {
    "flyway": "Flyway stops with a checksum mismatch",
    "prisma": "Prisma warns of it and does not run it again",
}
_STOPS = {
    "goose": "goose stops at it (unless run with -allow-missing)",
    "supabase": "`supabase db push` stops at it (unless run with --include-all)",
    "flyway": "Flyway stops at it (unless outOfOrder=true)",
}


def compares_files(project: Project) -> bool:
    """Whether the runner compares deployed files with what it recorded, comments included."""
    return project.kind in _NOTICES


def edited(project: Project, migration: Migration, since: str) -> Oddity:
    """The oddity of a deployed file that was changed."""
    consequence = _NOTICES.get(project.kind, f"{project.runner.name} neither notices nor runs it again")
    return Oddity(
        rule="edited-migration",
        path=migration.path,
        line=1,
        migration=migration.name,
        message=(
            f"{migration.path} is deployed and was edited {since}: {consequence}, so databases that have it keep what"
            " it was, and new ones get something else. Restore the file and put the change into a new migration."
        ),
    )


def out_of_order(project: Project, deployed: Collection[int], candidates: Iterable[int]) -> dict[int, Oddity]:
    """The pending migrations, by their places in the project, that are older than a deployed one."""
    if project.kind != "golang-migrate" and project.kind not in _STOPS:
        return {}
    if project.kind == "flyway" and flyway.runs_out_of_order(root_of(project.path)):
        return {}
    versions = {i: v for i, m in enumerate(project.migrations) if (v := _version(project, m)) is not None}
    newest = max((i for i in deployed if i in versions), key=versions.__getitem__, default=None)
    if newest is None:
        return {}
    consequence = _STOPS.get(
        project.kind, "golang-migrate keeps only the newest version and never runs it, without a word"
    )
    return {
        i: Oddity(
            rule="silently-skipped-migration",
            path=project.migrations[i].path,
            line=1,
            migration=project.migrations[i].name,
            message=f"{project.migrations[i].name} is older than {project.migrations[newest].name}, which is deployed:"
            f" {consequence}. Give it a newer version.",
        )
        for i in candidates
        if i in versions and versions[i] < versions[newest]
    }


def settle(
    project: Project, deployed: Collection[int], skipped: dict[int, Oddity], why: str, oddities: Iterable[Oddity]
) -> Pending:
    """The answer, from the places of migrations in the project; what the runner would skip is not pending."""
    rest = [i for i in range(len(project.migrations)) if i not in deployed and i not in skipped]
    late = out_of_order(project, deployed, rest)
    pending = [i for i in rest if project.kind in _STOPS or i not in late]
    return Pending(
        deployed=tuple(project.migrations[i] for i in sorted(deployed)),
        pending=tuple(project.migrations[i] for i in pending),
        why=f"{len(pending)} of {len(project.migrations)} files {why}",
        oddities=tuple(dict.fromkeys((*oddities, *skipped.values(), *late.values()))),
    )


def _version(project: Project, migration: Migration) -> tuple[int, ...] | None:
    if project.kind != "flyway":
        return None if migration.when is None else (migration.when,)
    return None if migration.name.startswith("R__") else flyway.version_key(migration.name)
