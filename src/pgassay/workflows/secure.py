"""``pgassay secure``: can one tenant reach what is another's? Tried on a scratch server that has the schema."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pgassay.errors import UsageError
from pgassay.model import (
    Certainty,
    Evidence,
    FileFacts,
    Finding,
    Project,
    ProjectFacts,
    Report,
    ServerFacts,
    Skipped,
    Statement,
    Verdict,
    quote,
)
from pgassay.model.actions import CreateRole
from pgassay.rehearsal.isolation import Leak, Proof, Told, prove
from pgassay.rehearsal.isolation.model import NoTenancy
from pgassay.rehearsal.isolation.platform import stand_in
from pgassay.rules.judge import order
from pgassay.server import OWNER, Server, closest_binaries, find_binaries, scratch
from pgassay.sources import open_project
from pgassay.workflows.copying import copy_of
from pgassay.workflows.grounds import built
from pgassay.workflows.surveying import places

Progress = Callable[[str], None]
_UNBOUND = re.compile(r"(?<!NO)\b(BYPASSRLS|SUPERUSER)\b", re.IGNORECASE)
_MOST_ATTEMPTS = 12
_MOST_NOTES = 10
_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureOptions:
    """The options of ``pgassay secure``: either a ``project`` (a folder or one .sql file) or a ``database``."""

    project: str | None = None
    database: str | None = None
    tenant_setting: tuple[str, ...] = ()
    tenant_column: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    kind: str | None = None
    allow_code: bool = False
    seed: int = 1
    postgres_version: int | None = None
    postgres_bin: str | None = None

    @property
    def told(self) -> Told:
        """What of it is about tenants."""
        return Told(
            settings=self.tenant_setting,
            columns=self.tenant_column,
            roles=self.role,
            shared=self.shared,
            values=self.values,
        )


def secure(options: SecureOptions, progress: Progress | None = None) -> Report:
    """Prove isolation. Raises PgassayError for whatever the user can set right."""
    say = progress or (lambda _: None)
    if (options.project is None) == (options.database is None):
        raise UsageError("give either PROJECT or --database URL")
    return (_database if options.database else _project)(options, time.monotonic(), say)


def _project(options: SecureOptions, began: float, say: Progress) -> Report:
    assert options.project is not None
    say(f"reading {options.project}")
    project = open_project(options.project, kind=options.kind, allow_code=options.allow_code)
    statements = [s for m in project.migrations for s in m.statements]
    binaries = find_binaries(options.postgres_version, Path(options.postgres_bin) if options.postgres_bin else None)
    with scratch(binaries, memory=True) as server:
        bypass = _unbound_roles(server, statements)
        database, remarks = built(server, project, say)
        remarks = [r for r in remarks if not any(f'role "{role}" already exists' in r for role in bypass)]
        with server.connect(database) as session:
            remarks += stand_in(server, session, supabase=project.kind == "supabase")
        proof = _proof(server, database, options, bypass, say)
        leaks = proof.leaks
        if project.kind == "supabase":  # there nobody but the platform's own tools connects as the owner
            leaks = tuple(
                replace(k, verdict=Verdict.STYLE) if k.rule == "row-security-not-forced" else k for k in leaks
            )
        findings = order(_finding(leak, places(statements)) for leak in leaks)
        return Report(
            project=_facts(project),
            server=ServerFacts(version=server.binaries.version, source=server.binaries.source),
            files=tuple(_file(m.path, len(m.statements), findings) for m in project.migrations),
            findings=findings,
            skipped=(*project.skipped, *_untried(proof)),
            notes=_notes(proof, remarks),
            rows=_ROWS,
            seconds=time.monotonic() - began,
        )


def _database(options: SecureOptions, began: float, say: Progress) -> Report:
    assert options.database is not None
    say("reading the schema")
    copy = copy_of(options.database)
    binaries = closest_binaries(
        copy.major, options.postgres_version, Path(options.postgres_bin) if options.postgres_bin else None
    )
    with scratch(binaries, memory=True) as server:
        database, remarks = copy.build(server)
        proof = _proof(server, database, options, copy.unbound, say)
        findings = order(_finding(leak, {}) for leak in proof.leaks)
        with server.connect(database) as session:
            names = [row[0] for row in session.run(_TABLES)]
        return Report(
            project=ProjectFacts(
                kind="database", path=copy.name, runner="", migrations=0, pending=0, why=f"as {copy.user} sees it"
            ),
            server=ServerFacts(version=server.binaries.version, source=server.binaries.source),
            files=tuple(_file(name, 1, findings) for name in names),
            findings=findings,
            skipped=_untried(proof),
            notes=_notes(proof, remarks),
            rows=_ROWS,
            seconds=time.monotonic() - began,
        )


_TABLES = (
    "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1"
)


def _proof(server: Server, database: str, options: SecureOptions, bypass: Iterable[str], say: Progress) -> Proof:
    absent = [role for role in options.role if role not in server.roles()]
    if absent:
        raise UsageError(f"there is no role {absent[0]}", hint="--role names a role that the schema's statements make.")
    try:
        return prove(server, database, options.told, bypass=tuple(bypass), seed=options.seed, progress=say)
    except NoTenancy:
        raise UsageError(
            "nothing here tells whose rows are whose: no policy reads a session setting, a role or auth.uid()",
            hint="Name the column that does with --tenant-column, and the setting with --tenant-setting.",
        ) from None


def _unbound_roles(server: Server, statements: Iterable[Statement]) -> list[str]:
    """Roles with BYPASSRLS: only a superuser can make them, so we do, before the migrations come to it."""
    found = [a.name for s in statements for a in s.of(CreateRole) if _UNBOUND.search(s.text)]
    for name in found:
        if name not in server.roles():
            server.admin.run(f"CREATE ROLE {quote(name)} BYPASSRLS; GRANT {quote(name)} TO {OWNER} WITH ADMIN OPTION")
    return found


def _finding(leak: Leak, made: Mapping[str, Statement]) -> Finding:
    """Where the object was made, and the SQL that shows it."""
    subject = leak.subject
    place = made.get(subject) or made.get(subject.rpartition(".")[0])
    shown = tuple(
        Evidence(kind="probe", text=f"also {seen}", data={"sql": sql}) for sql, seen in leak.attempts[:_MOST_ATTEMPTS]
    )
    return Finding(
        rule=leak.rule,
        verdict=leak.verdict,
        certainty=Certainty.PROVED,
        path=place.path if place else subject,
        line=place.line if place else 0,
        statement=leak.sql,
        message=leak.message,
        subject=subject,
        remedy=leak.remedy,
        evidence=(Evidence(kind="rows", text=leak.seen, data={"sql": leak.sql}), *shown),
    )


def _facts(project: Project) -> ProjectFacts:
    return ProjectFacts(
        kind=project.kind,
        path=project.path,
        runner=project.runner.name,
        migrations=len(project.migrations),
        pending=len(project.migrations),
        why="the schema that they lead to",
    )


def _file(path: str, statements: int, findings: Iterable[Finding]) -> FileFacts:
    mine: list[Verdict] = [f.verdict for f in findings if f.path == path or f.path.startswith(f"{path}.")]
    return FileFacts(
        path=path, statements=statements, worst=min(mine, key=lambda v: v.rank, default=None), findings=len(mine)
    )


def _untried(proof: Proof) -> tuple[Skipped, ...]:
    return tuple(Skipped(path=name, line=0, statement="", reason=why) for name, why in proof.untried)


def _notes(proof: Proof, remarks: Iterable[str]) -> tuple[str, ...]:
    roles = ", ".join(proof.roles)
    tried = (
        f"{proof.tried:,} statements tried on {proof.tables} tables with rows of two tenants, as {roles};"
        f" {proof.held:,} reached nothing of the other's"
    )
    scope = (
        "a tenant that can change the session's setting itself is whoever it likes: that is the application's to guard"
    )
    rest = list(dict.fromkeys(remarks))
    more = len(rest) - _MOST_NOTES
    return (tried, *proof.notes, scope, *rest[:_MOST_NOTES], *([f"and {more} more remarks"] if more > 0 else []))
