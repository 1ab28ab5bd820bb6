"""The agent's tools: pgassay's own verbs on scratch servers, and files of the project. Nothing else."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic_ai import ModelRetry, RunContext
from pydantic_ai.tools import Tool

from pgassay.agent.desk import Desk
from pgassay.errors import PgassayError
from pgassay.model import Finding, Report

Context = RunContext[Desk]
Result = dict[str, Any]
_ITEMS = 25


async def list_files(ctx: Context, folder: str = ".") -> Result:
    """The project's files below a folder."""
    return ctx.deps.told(ctx.deps.fence.listed(folder))


async def read_file(ctx: Context, path: str, offset: int = 0) -> Result:
    """A file of the project, from a character on."""
    return ctx.deps.told(ctx.deps.fence.read(path)[max(offset, 0) :])


async def write_file(ctx: Context, path: str, content: str) -> Result:
    """Write a file of the project. Only paths that were allowed; else somebody is asked."""
    return {"written": ctx.deps.fence.write(path, content)}


async def edit_file(ctx: Context, path: str, old: str, new: str) -> Result:
    """Replace a text that is exactly once in a file."""
    text = ctx.deps.fence.read(path)
    if not old or text.count(old) != 1:
        raise ModelRetry(f"that text is {text.count(old) if old else 0} times in {path}, not once")
    return {"written": ctx.deps.fence.write(path, text.replace(old, new))}


async def review(
    ctx: Context, path: str = ".", history: bool = False, static: bool = False, draft: str | None = None
) -> Result:
    """What will the pending migrations do? Rehearsed on a scratch PostgreSQL. history: every file in turn; draft: this
    SQL as the project's next migration."""
    proof = ctx.deps.proof
    report = await ctx.deps.work(lambda: proof.review(path, history=history, static=static, text=draft))
    return ctx.deps.told(_report(report))


async def check(ctx: Context, path: str = ".") -> Result:
    """Is the schema sound, that all migrations lead to?"""
    return ctx.deps.told(_report(await ctx.deps.work(lambda: ctx.deps.proof.check(path))))


async def secure(ctx: Context, path: str = ".") -> Result:
    """Can one tenant reach what is another's? Every way is tried with rows of two tenants."""
    return ctx.deps.told(_report(await ctx.deps.work(lambda: ctx.deps.proof.secure(path))))


async def tune(ctx: Context, workload: str, seconds: int = 30, rows: int = 20_000) -> Result:
    """Which indexes and rewrites does a workload (a .sql file of the project) want? Each is built and measured."""
    import json

    from pgassay.report.tuning import tuning_json
    from pgassay.workflows.grounds import Filling
    from pgassay.workflows.tune import TuneOptions
    from pgassay.workflows.tune import tune as run

    desk, how = ctx.deps, ctx.deps.proof.how
    filling = Filling(project=str(desk.fence.root), rows=min(max(rows, 100), 1_000_000), **how.options)
    options = TuneOptions(
        filling=filling, workload=str(desk.fence.root / desk.fence.inside(workload)), seconds=min(max(seconds, 5), 200)
    )
    tuned = await desk.work(lambda: run(options, desk.proof.say))
    pairs = [(c.before, c.after) for c in tuned.advice.changes if c.before and c.after]
    desk.proof.other(
        "tune",
        cpuBeforeMs=round(sum(b.cpu_ms for b, _ in pairs), 3),
        cpuAfterMs=round(sum(a.cpu_ms for _, a in pairs), 3),
    )
    document = json.loads(tuning_json(tuned.advice))
    return desk.told({name: document[name] for name in ("recommendations", "rewrites", "notes", "skipped")})


async def explain(ctx: Context, query: str, indexes: list[str] | None = None) -> Result:
    """A query's plan, run on made-up rows; with CREATE INDEX statements to compare with."""
    from pgassay.report.plan_tree import plan_tree, plans_compared
    from pgassay.workflows.explain import ExplainOptions
    from pgassay.workflows.explain import explain as run

    desk, how = ctx.deps, ctx.deps.proof.how
    options = ExplainOptions(
        query=query, project=str(desk.fence.root), indexes=tuple(indexes or ()), compare=bool(indexes), analyze=True,
        **how.options,
    )  # fmt: skip
    made = await desk.work(lambda: run(options, desk.proof.say))
    desk.proof.other("explain")
    plans = made.plans
    tree = (
        plan_tree(plans[0], width=100)
        if len(plans) == 1
        else plans_compared(plans[0], plans[1], width=100, titles=made.titles)
    )
    return desk.told(tree)


async def diff(ctx: Context, before: str, after: str) -> Result:
    """The SQL that turns one schema into another, tried both ways. A side is a folder or .sql file of the project."""
    from pgassay.report.difference import diff_text
    from pgassay.workflows.diff import DiffOptions
    from pgassay.workflows.diff import diff as run

    desk, how = ctx.deps, ctx.deps.proof.how
    sides = [str(desk.fence.root / desk.fence.inside(side)) for side in (before, after)]
    options = DiffOptions(before=sides[0], after=sides[1], **how.options)
    made = await desk.work(lambda: run(options, desk.proof.say))
    desk.proof.other("diff")
    return desk.told(diff_text(made.changes, made.difference, made.proof, made.notes))


async def migrate_plan(ctx: Context, draft: str | None = None) -> Result:
    """The pending migrations (or a draft) as steps that keep nobody waiting, tried beside the original."""
    from pgassay.report.migrate_plan import plan_text
    from pgassay.sources import placed
    from pgassay.workflows.migrate_plan import PlanOptions
    from pgassay.workflows.migrate_plan_run import plan_project

    desk, how = ctx.deps, ctx.deps.proof.how
    where, text = str(desk.fence.root), dict[str, Any]()
    if draft is not None:
        where, text = placed(where, draft, **how.reading)
    options = PlanOptions(project=where, **how.options, **text)
    made = await desk.work(lambda: plan_project(options, desk.proof.say))
    desk.proof.other("migrate plan")
    return desk.told(plan_text(made))


async def design(
    ctx: Context,
    out: str,
    inputs: list[str] | None = None,
    presets: list[Literal["erc20", "erc721", "erc1155", "erc3643", "onchainid"]] | None = None,
    subgraph: str | None = None,
    tenancy: Literal["none", "owner", "tenant"] | None = None,
) -> Result:
    """From contracts (ABI files of the project), presets and a subgraph to a proved schema, its ORM, queries and
    documents, written to a folder that may be written."""
    import json

    from pgassay.report.design_handoff import design_handoff
    from pgassay.workflows.design import make
    from pgassay.workflows.design_input import wanted

    desk = ctx.deps
    fence = desk.fence
    folder = fence.inside(out)
    if not fence.allowed(f"{folder}/migrations/0001_a.sql") and not fence.ask(f"write the folder {folder}"):
        raise ModelRetry(f"writing {folder} was not allowed")
    for name in fence.listed(folder, most=2_000) if (fence.root / folder).is_dir() else ():
        fence.note(name)

    def inside(word: str) -> str:
        return str(fence.root / fence.inside(word))

    asked = wanted(
        inputs=[inside(word) for word in inputs or ()], presets=presets or (), out=fence.root / folder, tenancy=tenancy,
        subgraph=inside(subgraph) if subgraph else None, ask=lambda lost: fence.ask(f"drop {', '.join(lost)[:300]}"),
        **desk.proof.how.server,
    )  # fmt: skip
    designed = await desk.work(lambda: make(asked, desk.proof.say))
    for name in fence.listed(folder, most=2_000):
        fence.before.setdefault(name, None)
    desk.proof.other("design")
    handed = json.loads(design_handoff(designed))
    desk.handoffs += handed["contextHandoff"]["readyForAgents"]
    return desk.told({"tables": [t.name for t in designed.design.tables], "files": fence.listed(folder, most=60)})


async def rule(ctx: Context, id: str) -> Result:
    """The page of one of pgassay's rules: what happens, why, and the SQL that does it well."""
    from pgassay.report.pages import rule_page
    from pgassay.rules import registry

    found = next((r for r in registry() if r.id == id), None)
    if found is None:
        raise ModelRetry("there is no such rule: take the id from a finding")
    return ctx.deps.told(rule_page(found))


async def documentation(ctx: Context, library: str, topic: str) -> Result:
    """Documentation of a library (drizzle-orm, postgresql, sqlalchemy, alembic …) on a topic."""
    page = await ctx.deps.docs.fetch(library, topic)
    return {"source": page.source} | ctx.deps.told(page.text, most=20_000)


def tools() -> list[Tool[Desk]]:
    """All of them; each counts its calls, and hands its faults to the model as such."""
    functions: tuple[Callable[..., Awaitable[Result]], ...] = (
        list_files, read_file, write_file, edit_file, review, check, secure, tune, explain, diff, migrate_plan, design,
        rule, documentation,
    )  # fmt: skip
    # One after the other: a review must not look at a file that is being written.
    return [Tool(_guarded(function), name=function.__name__, max_retries=5, sequential=True) for function in functions]


def _guarded(function: Callable[..., Awaitable[Result]]) -> Callable[..., Awaitable[Result]]:
    @functools.wraps(function)
    async def call(ctx: Context, *args: Any, **kwargs: Any) -> Result:
        ctx.deps.counted(function.__name__, {"args": args} | kwargs)
        try:
            return await function(ctx, *args, **kwargs)
        except PgassayError as error:
            return {"failed": type(error).__name__} | ctx.deps.told(str(error), most=2_000)

    return call


def _report(report: Report) -> Result:
    return {
        "summary": {verdict: number for verdict, number in report.summary.items() if number},
        "server": report.server.version,
        "files": [f.path for f in report.files][-30:],
        "findings": [_finding(f) for f in report.findings[:_ITEMS]],
        "more_findings": max(len(report.findings) - _ITEMS, 0),
        "not_run": [f"{s.path}:{s.line}: {s.reason}" for s in report.skipped[:10]],
        "notes": list(report.notes[:10]),
    }


def _finding(finding: Finding) -> Result:
    remedy = finding.remedy
    return {
        "rule": finding.rule,
        "verdict": str(finding.verdict),
        "certainty": str(finding.certainty),
        "place": f"{finding.path}:{finding.line}",
        "message": finding.message[:400],
        "remedy": None if remedy is None else {"sql": remedy.sql[:800], "verified": remedy.verified},
    }
