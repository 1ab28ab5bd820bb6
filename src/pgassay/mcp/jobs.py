"""What a tool's process does: a verb's workflow, and its outcome as plain JSON values.

Nothing here knows of MCP. Strings of an outcome are as they came; the server marks and caps them.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgassay.errors import UsageError

if TYPE_CHECKING:
    from pgassay.model import Report

_CANDIDATES = 6  # of what something may have been renamed to, the most alike

Say = Callable[[str], None]
Outcome = dict[str, Any]


class TooPowerful(UsageError):
    """The database's role can do more than read: {problem}"""


def run(job: dict[str, Any], say: Say) -> Outcome:
    """Do one job: ``verb``, its ``arguments``, and the ``roots``. Raises PgassayError."""
    roots = job["roots"]
    asked = job["arguments"]
    if "query" in asked:
        from pgassay.sql.single import single

        single(asked["query"])  # what is no query is refused before a database is looked at
    if asked.get("database"):
        refuse_powerful(asked["database"], allow=roots["allow_powerful"])
    server = {name: roots[name] for name in ("postgres_version", "postgres_bin")}
    project = {"kind": roots["kind"], "allow_code": roots["allow_code"]} | server
    return _VERBS[job["verb"]](asked, project, server, say)


def refuse_powerful(url: str, *, allow: bool) -> None:
    """Raises TooPowerful for a role that may do more than read, and ConnectionProblem."""
    from pgassay.catalog.powers import powers
    from pgassay.server import connect_live

    with connect_live(url) as live:
        found = powers(live)
    if found and not allow:
        raise TooPowerful(
            f"it {', '.join(found[:6])}{' …' if len(found) > 6 else ''}",
            hint="Make one for pgassay (GRANT pg_read_all_stats and USAGE on the schemas; SELECT where rows may be "
            "sampled), or start the server with --allow-powerful-role.",
        )


def _review(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    from pgassay.sources import placed
    from pgassay.workflows.options import ReviewOptions
    from pgassay.workflows.review import review

    with _statements(asked) as workload:
        path, draft = asked["path"], dict[str, Any]()
        if asked["sql"] is not None:
            path, draft = placed(path, asked["sql"], kind=project["kind"], allow_code=project["allow_code"])
        options = ReviewOptions(
            base=asked["since"],
            history=asked["history"],
            database=asked["database"],
            static=asked["static"],
            workload=workload,
            **draft,
            **project,
        )
        return reported(review(path, options, say))


def _schema(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    from pgassay.workflows.check import CheckOptions, check

    with _statements(asked) as workload:
        where = {"database": asked["database"], "project": None if asked["database"] else asked["path"]}
        return reported(check(CheckOptions(workload=workload, **where, **project), say))


def _isolation(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    from pgassay.workflows.secure import SecureOptions, secure

    where = {"database": asked["database"], "project": None if asked["database"] else asked["path"]}
    return reported(secure(SecureOptions(**where, **project), say))


def _indexes(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    from pgassay.report.indexing import indexes_json
    from pgassay.workflows.grounds import Filling
    from pgassay.workflows.indexes import IndexOptions, indexes

    filling = None if asked["database"] else Filling(project=asked["path"], **project)
    found = indexes(IndexOptions(filling=filling, database=asked["database"]), say)
    document = json.loads(indexes_json(found.seen, found.problems, found.notes))
    items = [
        _item(
            rule=f"{p['problem']}-index",
            verdict="fails" if p["problem"] == "invalid" else "slows",
            certainty=p["certainty"],
            place=p["index"] or p["table"],
            message=p["message"],
            remedy="unverified" if p["sql"] else "none",
            body=p,
        )
        for p in document["problems"]
    ]
    return _outcome(items, {"indexes": found.seen}, found.notes)


def _plan(asked: dict[str, Any], project: dict[str, Any], server: dict[str, Any], say: Say) -> Outcome:
    """A query's plan: on a project's scratch server, or on a ghost of the database, which the query never meets."""
    from pgassay.report.plan_tree import plan_tree, plans_compared
    from pgassay.workflows.explain import ExplainOptions, explain, explained_json
    from pgassay.workflows.twin import export_twin

    common: dict[str, Any] = {"query": asked["query"], "indexes": tuple(asked["indexes"] or ())}
    common["compare"] = bool(common["indexes"])
    with contextlib.ExitStack() as stack:
        if asked["database"]:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pgassay-mcp-"))
            twin = Path(folder, "twin.json")
            export_twin(asked["database"], twin, values=True, progress=say)
            made = explain(ExplainOptions(twin=twin, **common, **server), say)
        else:
            made = explain(
                ExplainOptions(project=asked["path"], analyze=asked["analyze"], **common, **project), say
            )  # fmt: skip
    plans = made.plans
    tree = (
        plan_tree(plans[0], width=100)
        if len(plans) == 1
        else plans_compared(plans[0], plans[1], width=100, titles=made.titles)
    )
    document = json.loads(explained_json(made))
    items = [
        _item(
            rule=a["kind"].replace(" ", "-"),
            verdict="slows",
            certainty="proved" if asked["analyze"] and not asked["database"] else "computed",
            place=a["subject"] or f"node {a['node']}",
            message=a["text"],
            remedy="none",
            body=a,
        )
        for a in document["advice"]
    ]
    return _outcome(items, {"plans": len(plans)}, made.remarks) | {"plan": tree}


def _tune(asked: dict[str, Any], project: dict[str, Any], server: dict[str, Any], say: Say) -> Outcome:
    from pgassay.report.tuning import tuning_json
    from pgassay.report.tuning_handoff import tuning_handoff
    from pgassay.workflows.grounds import Filling
    from pgassay.workflows.tune import TuneOptions, tune

    filling = None if asked["database"] else Filling(project=asked["path"], rows=asked["rows"], **project)
    with _statements(asked) as workload:
        tuned = tune(
            TuneOptions(
                filling=filling,
                database=asked["database"],
                workload=workload,
                budget=asked["budget"],
                seconds=asked["seconds"],
                **server,
            ),
            say,
        )
    document = json.loads(tuning_json(tuned.advice))
    items = [
        {
            "id": _id("recommendation", r["sql"]),
            "kind": r["kind"],
            "certainty": r["certainty"],
            "sql": r["sql"],
            "queries": len(r["queries"]),
            "gain": max(r["queries"].values(), default=0.0),
            "body": r,
        }
        for r in document["recommendations"]
    ] + [
        {
            "id": _id("rewrite", r["sql"]),
            "kind": "rewrite",
            "certainty": "proved" if r["same_rows"] else "computed",
            "sql": r["sql"],
            "queries": 1,
            "gain": r["gain"],
            "body": r,
        }
        for r in document["rewrites"]
    ]
    notes = [*document["notes"], *(f"skipped: {s['statement']}: {s['reason']}" for s in document["skipped"])]
    counts = {"queries": len(document["queries"]), "candidates": document["candidates"]}
    return _outcome(items, counts, notes) | {"handoff": tuning_handoff(tuned.advice)}


def _design(asked: dict[str, Any], _: dict[str, Any], server: dict[str, Any], say: Say) -> Outcome:
    from pgassay.report.design import design_document
    from pgassay.report.design_handoff import design_handoff
    from pgassay.workflows.design import make
    from pgassay.workflows.design_input import wanted

    losses: list[str] = []
    folder = Path(asked["out"])
    into = f"into-{key((asked['out'],))}"
    if _others(folder) and asked["answer"] != into:
        return decide(
            "This folder holds what no design wrote. Write into it, over files of the same names?",
            [asked["out"]],
            [(into, "Write into it."), ("keep", "Write nothing.")],
        )

    def ask(lost: Sequence[str]) -> bool:
        losses[:] = lost
        return bool(asked["answer"] == f"drop-{key(lost)}")

    names = ("inputs", "presets", "subgraph", "layout", "tenancy", "events")
    try:
        designed = make(wanted(ask=ask, out=folder, **{n: asked[n] for n in names}, **server), say)
    except UsageError:
        if not losses:
            raise
        return decide(
            "The change drops what holds data. Go on?",
            losses,
            [(f"drop-{key(losses)}", "Write the migration that drops it."), ("keep", "Write nothing.")],
        )
    document = design_document(designed)
    outcome = _outcome([], {"tables": len(document.tables), "listings": len(document.listings)}, document.notes)
    items = [{"text": change} for change in document.changes]
    return outcome | {"items": items, "files": list(document.written), "handoff": design_handoff(designed)}


def _others(folder: Path) -> bool:
    """Whether a folder holds files, and not those of an earlier design."""
    return folder.is_dir() and any(folder.iterdir()) and not (folder / "docs" / "storage.md").is_file()


def _diff(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    """The SQL between two schemas. Questions are put one at a time; the answers to earlier ones come along."""
    from pgassay.report.difference import diff_json
    from pgassay.workflows.diff import DiffOptions, diff

    sides = [asked["database"] if asked[side] == "database" else asked[side] for side in ("path", "other")]
    renames: list[tuple[str, str]] = []
    drops: list[str] = []
    while True:
        options = DiffOptions(
            before=sides[0], after=sides[1], renames=tuple(renames), drops=tuple(drops), **project
        )  # fmt: skip
        found = diff(options, say)
        for question in found.difference.decisions:
            near = difflib.get_close_matches(question.old, question.new, n=_CANDIDATES, cutoff=0.0)
            said = {f"rename-{key((question.old, new))}": new for new in near}
            answers = [answer for answer in asked["answers"] if answer in said]
            if answers:
                renames.append((question.old, said[answers[0]]))
            elif f"drop-{key((question.old,))}" in asked["answers"]:
                drops.append(question.old)
            else:
                ways = [(answer, f"It was renamed to about[{n}].") for n, answer in enumerate(said, 1)]
                ways.append((f"drop-{key((question.old,))}", "It is dropped, with what it holds."))
                return decide(f"What became of about[0], a {question.kind}?", (question.old, *near), ways)
        if not found.difference.decisions:
            break
    document = json.loads(
        diff_json(found.before, found.after, found.changes, found.difference, found.proof, found.notes)
    )
    steps = document["statements"]
    losses = [loss for step in steps for loss in step["loses"]]
    notes = [*(f"loses {loss}" for loss in losses), *filter(None, [document["failure"]]), *document["notes"]]
    notes += [f"not written: {each}" for each in document["unwritten"]]
    counts = {"changes": len(document["changes"]), "losses": len(losses), "proved": int(document["proved"])}
    return _outcome([{"text": step["sql"]} for step in steps], counts, notes) | {"files": []}


def _down(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    """Ways back, derived and proved; written into the project only where the answer names these very statements."""
    from dataclasses import replace

    from pgassay.workflows.migrate_down import DownOptions, migrate_down

    only = (asked["migration"],) if asked["migration"] else ()
    options = DownOptions(path=asked["path"], only=only, dry_run=True, **project)
    found = migrate_down(options, say)
    items, told = [], list(found.notes)
    for way in found.ways:
        words = f"-- {way.migration.path}: {way.verdict}{'' if way.written is None else f', written to {way.written}'}"
        items.append({"text": "\n".join([words, *(f"{s};" for s in way.statements or ())])})
        told += [f"{way.migration.path}: {note}" for note in way.notes]
        told += [f"{way.migration.path}: {way.trial.failure}"] if way.trial.failure else []
        told += [
            f"{way.migration.path}: going {lost.when} loses {lost.table}{f'.{lost.column}' if lost.column else ''}, "
            f"{lost.rows} rows of the rehearsal"
            for lost in way.trial.lost
        ]
    holding = [w for w in found.ways if w.statements and not w.own and w.verdict in ("proved", "loses-data")]
    counts = {"migrations": len(found.ways), "holding": len(holding), "proved": sum(w.proved for w in found.ways)}
    answer = f"write-{key(i['text'] for i in items)}"
    files: tuple[str, ...] = ()
    if holding and answer in asked["answers"]:
        say("writing")
        files = migrate_down(replace(options, dry_run=False), say).files
    outcome = _outcome(items, counts, told) | {"files": list(files)}
    if holding and not files and "keep" not in asked["answers"]:
        ways = [(answer, "Write them where the project's runner looks for them."), ("keep", "Write nothing.")]
        about = [f"{w.migration.path} ({w.verdict})" for w in holding]
        outcome |= {"decision": decide("Write these ways back into the project?", about, ways)["decision"]}
    return outcome


def _steps(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    """Safe steps for pending migrations; written in their place only where the answer names these very steps."""
    from pgassay.report.migrate_plan import plan_handoff
    from pgassay.workflows.migrate_plan import PlanOptions
    from pgassay.workflows.migrate_plan_run import plan_project

    began = time.monotonic()
    where = {"database": asked["database"], "base": asked["since"], "last": asked["last"]}
    options = PlanOptions(project=asked["path"], **where, **project)
    found = plan_project(options, say)
    items = [{"text": f"-- {s.phase}: {s.name} ({s.transaction})\n" + ";\n".join((*s.sql, ""))} for s in found.steps]
    answer = f"write-{key(i['text'] for i in items)}"
    if found.steps and answer in asked["answers"]:
        found = plan_project(options, say, in_place=True)
    notes = [f"unsafe: {u.what}" for u in found.unsafe]
    notes += [f"differs: {each}" for each in found.differences] + list(found.notes)
    counts = {"pending": len(found.pending), "steps": len(found.steps), "verified": int(found.verified)}
    counts |= {"safe": int(found.safe), "steps before deploy": found.deploy_after}
    outcome = _outcome(items, counts, notes) | {"files": list(found.files)}
    if found.steps and found.verified and answer not in asked["answers"] and "keep" not in asked["answers"]:
        ways = [(answer, "Write them in the place of the pending migrations."), ("keep", "Write nothing.")]
        outcome |= {"decision": decide("Write these steps into the project?", found.pending, ways)["decision"]}
    return outcome | {"handoff": plan_handoff(found, time.monotonic() - began)}


def _ahead(asked: dict[str, Any], project: dict[str, Any], _: dict[str, Any], say: Say) -> Outcome:
    """What the project's pending migrations would do to the database: rehearsed, not run."""
    from pgassay.report.migrating import outlook_text
    from pgassay.workflows.migrate_up import MigrateOptions, look_ahead

    outlook = look_ahead(MigrateOptions(path=asked["path"], database=asked["database"], way="up", **project), say)
    refused = [f"stops: {f.verdict} {f.rule} {f.path}:{f.line}: {f.message}" for f in outlook.refused]
    others = [f"{f.verdict} {f.rule} {f.path}:{f.line}: {f.message}" for f in outlook.others]
    counts = {"migrations": len(outlook.plan.courses), "steps": outlook.plan.steps, "stops": len(refused)}
    items = [{"text": text} for text in (*refused, *others)]
    return _outcome(items, counts, outlook.notes) | {"files": [], "plan": outlook_text(outlook)}


def reported(report: Report) -> Outcome:
    """A report's outcome."""
    import msgspec

    from pgassay.report import handoff, handoff_json
    from pgassay.report.machine import document

    wire = document(report)
    items = [
        _item(
            rule=f.rule,
            verdict=str(f.verdict),
            certainty=str(f.certainty),
            place=f"{f.path}:{f.line}" if f.line else f.path,
            message=f.message,
            remedy="none" if f.remedy is None else "verified" if f.remedy.verified else "unverified",
            body=msgspec.to_builtins(f),
            id=f.fingerprint,
        )
        for f in wire.findings
    ]
    notes = [*wire.notes, *(f"not run: {s.path}:{s.line}: {s.reason}" for s in wire.skipped)]
    counts = {str(v): n for v, n in wire.summary.items() if n} | {
        "files": len(wire.files),
        "statements": sum(f.statements for f in wire.files),
    }
    return _outcome(items, counts, notes) | {"handoff": handoff_json(handoff(report))}


def decide(question: str, about: Iterable[str], options: Iterable[tuple[str, str]]) -> Outcome:
    """An outcome that waits for an answer."""
    decision = {
        "question": question,
        "about": list(about),
        "options": [{"answer": a, "meaning": m} for a, m in options],
    }
    return _outcome([], {}, ()) | {"decision": decision, "files": []}


def key(about: Iterable[str]) -> str:
    """Ties an answer to what was asked: of something else it is no answer."""
    return hashlib.sha256("\0".join(about).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _outcome(items: list[dict[str, Any]], counts: dict[str, int], notes: Iterable[str]) -> Outcome:
    kinds = Counter(str(i.get("verdict") or i.get("kind") or "") for i in items)
    return {"items": items, "counts": {k: n for k, n in kinds.items() if k} | counts, "notes": list(notes)}


def _item(*, body: dict[str, Any], id: str | None = None, **parts: Any) -> dict[str, Any]:
    return parts | {"id": id or _id(parts["rule"], parts["place"], parts["message"]), "body": body}


def _id(*parts: str) -> str:
    return key(parts) + "0000"


@contextlib.contextmanager
def _statements(asked: dict[str, Any]) -> Iterator[str | None]:
    """The application's statements as a file: one of the project, or made of what was given."""
    if not asked.get("statements"):
        yield asked.get("workload")
        return
    with tempfile.TemporaryDirectory(prefix="pgassay-mcp-") as folder:
        file = Path(folder, "statements.sql")
        text = "".join(f"{s.strip().rstrip(';')}\n;\n" for s in asked["statements"])
        file.write_text(text, encoding="utf-8", errors="replace")
        yield str(file)


_VERBS: dict[str, Callable[[dict[str, Any], dict[str, Any], dict[str, Any], Say], Outcome]] = {
    "review": _review,
    "schema": _schema,
    "isolation": _isolation,
    "indexes": _indexes,
    "plan": _plan,
    "tune": _tune,
    "design": _design,
    "diff": _diff,
    "down": _down,
    "steps": _steps,
    "ahead": _ahead,
}
