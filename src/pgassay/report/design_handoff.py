"""A design as a hand-off between agents."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.report.design import Designed
from pgassay.report.design_entities import named
from pgassay.report.handover import (
    ContextHandoff,
    Deliverables,
    Documentation,
    FileModified,
    Handoff,
    Metrics,
    Performance,
    QualityGates,
    ReadyForAgent,
    Security,
    Summary,
    TaskCompletion,
    Tests,
    handoff_json,
)
from pgassay.report.words import count, encodable


def design_handoff(designed: Designed) -> str:
    """The hand-off as indented JSON: whoever indexes the chain fills the tables, whoever builds the API reads the
    listings."""
    design = designed.design
    events = [t for t in design.tables if t.role == "event"]
    done = f"{count(len(design.tables), 'table')} ({len(events)} of events), {count(len(design.listings), 'listing')}"
    return handoff_json(
        Handoff(
            task_completion=TaskCompletion(status="completed", blockers=(), partial_reason=None),
            summary=Summary(
                primary_outcome=f"{done}; proved on PostgreSQL {encodable(designed.server)}: up, down and up again.",
                confidence_level="high",
                key_decisions=(
                    f"layout {design.settings.layout}, tenancy {design.settings.tenancy}",
                    *map(encodable, design.notes[:20]),
                ),
            ),
            deliverables=Deliverables(
                files_modified=tuple(
                    FileModified(
                        path=encodable(path), change_type="created", specific_changes=(), lines_added=lines,
                        lines_removed=0,
                    )
                    for path, lines in designed.written
                ),
                artifacts_created=tuple(encodable(path) for path, _ in designed.written),
                configurations_changed=(),
                code_snippets=(),
            ),
            context_handoff=ContextHandoff(
                ready_for_agents=(
                    ReadyForAgent(
                        agent="blockchain-engineer",
                        task="Insert blocks, then transactions, then events (triggers see to the rest).",
                        priority="high",
                        required_context=tuple(t.name for t in events[:40]),
                    ),
                    ReadyForAgent(
                        agent="backend-engineer",
                        task="Page through the listings by their keys; read totals from the rollups.",
                        priority="medium",
                        required_context=tuple(item.name for item in design.listings[:40]),
                    ),
                    *_neighbours(designed),
                ),
                blocked_dependencies=(),
                shared_resources=tuple(t.name for t in design.tables),
            ),
            quality_gates=QualityGates(
                tests=Tests(
                    unit_tests="not_applicable", integration_tests="passed", e2e_tests="not_applicable", coverage=100.0
                ),
                security=Security(
                    vulnerabilities=0, manual_review_needed=design.settings.tenancy != "none", findings=()
                ),
                performance=Performance(
                    impact="unknown",
                    metrics={f"{s.table}BytesPerRow": round(s.loaded, 1) for s in designed.storage},
                ),
                documentation=Documentation(inline="passed", readme="not_applicable", api="not_applicable"),
            ),
            cache_keys=tuple(sorted(t.topic for t in events if t.topic)),
            metrics=Metrics(
                time_invested=round(designed.seconds * 1_000), time_estimated=None, tokens_used=0, confidence=1.0
            ),
        )
    )  # fmt: skip


def _neighbours(designed: Designed) -> Iterator[ReadyForAgent]:
    """Tasks for the neighbours, each with the files that were really written for it; without any there is none."""

    def files(*endings: str) -> tuple[str, ...]:
        return tuple(encodable(path) for path in designed.rendered if path.replace("\\", "/").endswith(endings))

    builders = files("drizzle/queries.ts", "drizzle/pages.ts", "drizzle/types.ts", "queries.sql", "queries/pages.py")
    builders += tuple(path for path in files(".py") if "/queries/" in path and path not in builders)
    if builders:
        yield ReadyForAgent(
            agent="api-agent",
            task="Build the API on these queries and their types; none of them uses OFFSET.",
            priority="high",
            required_context=builders,
        )
    mapping = files("docs/entities.json")
    if mapping:
        pairs = (f"{named(t.source)} = {t.name}" for t in designed.design.tables if t.role == "entity" and t.source)
        yield ReadyForAgent(
            agent="subgraph-agent",
            task="Map each entity to its table; the file has the columns and their types.",
            priority="high",
            required_context=(*mapping, *map(encodable, pairs)),
        )
    migrations = tuple(encodable(path) for path, _ in designed.written)
    if migrations:
        yield ReadyForAgent(
            agent="test-agent",
            task="Test against these migrations: pgassay.testing has databases of them and factories of valid rows.",
            priority="medium",
            required_context=(
                *migrations,
                *files("drizzle/tables.ts", "sqlalchemy/models.py"),
                "pgassay.testing.Factory",
            ),
        )
