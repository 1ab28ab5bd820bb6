"""JSON and the hand-off."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from pgassay.model import FileFacts, Report, Verdict
from pgassay.report import (
    DOCUMENTS,
    Handoff,
    compact,
    confidence,
    coverage,
    document,
    handoff,
    handoff_compact,
    handoff_json,
    handoff_yaml,
    json_text,
    schema,
)
from pgassay.report.handover import Deliverables, FileModified
from tests.unit.reports import EXPOSED, INDEX, REQUIRED, SKIP, clean, mixed, static

EVERY = pytest.mark.parametrize("report", [clean(), mixed(), static()], ids=["clean", "mixed", "static"])


def nothing() -> Report:
    """Nothing was pending."""
    return replace(clean(), files=(), rows=None, probed=0)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schemas_are_valid_and_demand_every_key(name: str) -> None:
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    for part in found["$defs"].values():
        if part.get("type") == "object":
            assert sorted(part["required"]) == sorted(part["properties"])


@EVERY
def test_documents_obey_their_schemas(report: Report) -> None:
    jsonschema.validate(json.loads(json_text(report)), schema("json"))
    jsonschema.validate(json.loads(handoff_json(handoff(report))), schema("handoff"))
    jsonschema.validate(json.loads(handoff_compact(handoff(report))), schema("handoff-compact"))


def test_a_schema_refuses_what_is_wrong() -> None:
    wrong = json.loads(json_text(mixed()))
    wrong["findings"][0]["verdict"] = "terrible"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema("json"))


@EVERY
def test_documents_round_trip(report: Report) -> None:
    assert msgspec.json.decode(json_text(report), type=DOCUMENTS["json"]) == document(report)
    assert msgspec.json.decode(handoff_json(handoff(report)), type=Handoff) == handoff(report)
    assert yaml.safe_load(handoff_yaml(handoff(report))) == json.loads(handoff_json(handoff(report)))


def test_json_has_the_keys_of_the_contract() -> None:
    found = json.loads(json_text(mixed()))
    assert {"kind", "path", "migrations", "pending"} <= found["project"].keys()
    assert found["server"] == {"version": "18.3", "source": "embedded"}
    assert found["summary"] == {v.value: int(v in ("fails", "blocks", "exposes")) for v in Verdict}
    assert list(found["summary"]) == [v.value for v in Verdict]
    first = found["findings"][0]
    assert first["fingerprint"] == REQUIRED.fingerprint
    assert first["remedy"]["verified"] is True
    assert first["evidence"][0]["data"] == {"sqlstate": "23502"}
    assert found["findings"][2]["remedy"] is None
    assert found["skipped"] == [
        {"path": SKIP.path, "line": 9, "statement": SKIP.statement, "reason": "postgis is not available"}
    ]


def test_the_hand_off_has_exactly_the_keys_of_the_contract() -> None:
    found = json.loads(handoff_json(handoff(mixed())))

    def keys(value: Any) -> Any:
        return {key: keys(part) for key, part in value.items()} if isinstance(value, dict) else None

    assert keys(found) == {
        "taskCompletion": dict.fromkeys(["status", "blockers", "partialReason"]),
        "summary": dict.fromkeys(["primaryOutcome", "confidenceLevel", "keyDecisions"]),
        "deliverables": dict.fromkeys(["filesModified", "artifactsCreated", "configurationsChanged", "codeSnippets"]),
        "contextHandoff": dict.fromkeys(["readyForAgents", "blockedDependencies", "sharedResources"]),
        "qualityGates": {
            "tests": dict.fromkeys(["unitTests", "integrationTests", "e2eTests", "coverage"]),
            "security": dict.fromkeys(["vulnerabilities", "manualReviewNeeded", "findings"]),
            "performance": {"impact": None, "metrics": dict.fromkeys(["heldMs", "estimatedMs", "rehearsalMs"])},
            "documentation": dict.fromkeys(["inline", "readme", "api"]),
        },
        "cacheKeys": None,
        "metrics": dict.fromkeys(["timeInvested", "timeEstimated", "tokensUsed", "confidence"]),
    }
    assert keys(found["contextHandoff"]["readyForAgents"][0]) == dict.fromkeys(
        ["agent", "task", "priority", "requiredContext"]
    )
    assert sorted(schema("handoff")["$defs"]["FileModified"]["required"]) == sorted(
        ["path", "changeType", "specificChanges", "linesAdded", "linesRemoved"]
    )
    assert sorted(schema("handoff")["$defs"]["ConfigurationChanged"]["required"]) == ["changes", "file"]


def test_a_clean_run_is_completed_with_full_confidence() -> None:
    found = handoff(clean())
    assert found.task_completion.status == "completed"
    assert found.task_completion.partial_reason is None
    assert found.summary.confidence_level == "high"
    assert found.quality_gates.tests.integration_tests == "passed"
    assert found.quality_gates.tests.coverage == 100
    assert not found.quality_gates.security.manual_review_needed
    assert found.quality_gates.performance.impact == "neutral"
    assert found.metrics.confidence == 1
    assert found.metrics.time_invested == 900
    assert handoff_compact(found) == '{"s":"✓","f":[],"n":[],"b":[],"c":[],"m":{"t":900,"cf":1.0}}\n'


def test_a_failing_migration_blocks_the_files_behind_it() -> None:
    found = handoff(mixed())
    assert found.task_completion.status == "blocked"
    assert found.task_completion.blockers == (f"drizzle/0006_kyc.sql:3: {REQUIRED.message}",)
    assert found.context_handoff.blocked_dependencies == ("drizzle/0007_index.sql waits for drizzle/0006_kyc.sql",)
    assert found.quality_gates.tests.integration_tests == "failed"
    assert compact(found).s == "✗"


def test_what_was_not_run_makes_it_partial() -> None:
    found = handoff(replace(clean(), skipped=(SKIP,)))
    assert found.task_completion.status == "partial"
    assert "postgis is not available" in (found.task_completion.partial_reason or "")
    assert found.quality_gates.security.manual_review_needed
    assert compact(found).s == "⚠"


def test_a_static_run_is_partial_and_passes_no_test() -> None:
    found = handoff(static())
    assert found.task_completion.status == "partial"
    assert found.quality_gates.tests.integration_tests == "pending"
    assert found.quality_gates.tests.coverage is None
    assert found.quality_gates.security.vulnerabilities == 1


def test_nothing_pending_is_not_applicable() -> None:
    found = handoff(nothing())
    assert found.task_completion.status == "completed"
    assert found.quality_gates.tests.integration_tests == "not_applicable"
    assert found.quality_gates.performance.impact == "unknown"


def test_tasks_are_the_findings_at_the_threshold_or_worse() -> None:
    assert [t.priority for t in handoff(mixed()).context_handoff.ready_for_agents] == ["critical", "high"]
    tasks = handoff(mixed(), threshold=Verdict.STYLE).context_handoff.ready_for_agents
    assert [t.agent for t in tasks] == ["database-expert", "database-expert", "security-expert"]
    assert tasks[1].required_context == ("drizzle/0007_index.sql:1", "blocking-index-build", INDEX.fingerprint)


def test_the_figures_are_the_worst_of_the_evidence() -> None:
    slower = replace(INDEX, evidence=(replace(INDEX.evidence[0], data={"held_ms": 99.5}),))
    found = handoff(replace(mixed(), findings=(INDEX, slower)))
    assert found.quality_gates.performance.metrics == {"heldMs": 99.5, "estimatedMs": 4100.0, "rehearsalMs": 1264.0}
    assert found.quality_gates.performance.impact == "negative"


def test_confidence_is_the_mean_certainty_times_what_was_rehearsed() -> None:
    assert coverage(mixed()) == 0.9
    assert confidence(mixed()) == pytest.approx((1.0 + 0.8 + 0.5) / 3 * 0.9, abs=0.001)
    assert confidence(static()) == 0.5
    assert confidence(nothing()) == 1
    everything_skipped = replace(clean(), files=(FileFacts(path="a", statements=1, worst=None, findings=0),))
    assert confidence(replace(everything_skipped, skipped=(SKIP, SKIP))) == 0


def test_the_compressed_form_names_files_by_their_change() -> None:
    def file(path: str, change: Any, added: int, removed: int) -> FileModified:
        return FileModified(
            path=path, change_type=change, specific_changes=(), lines_added=added, lines_removed=removed
        )

    made = Deliverables(
        files_modified=(file("a.sql", "modified", 45, 12), file("b.sql", "created", 9, 0)),
        artifacts_created=(),
        configurations_changed=(),
        code_snippets=(),
    )
    assert compact(msgspec.structs.replace(handoff(clean()), deliverables=made)).f == ("a.sql:+45-12", "b.sql:new")


def test_yaml_shows_sql_as_blocks() -> None:
    printed = handoff_yaml(handoff(mixed()))
    assert "  - |-\n    -- drizzle/0006_kyc.sql:3 required-column-added (verified)\n    ALTER TABLE holders" in printed


def test_a_file_name_that_is_not_utf8_can_be_reported() -> None:
    odd = replace(EXPOSED, path="b\udce4d.sql")
    found = json.loads(json_text(replace(mixed(), findings=(odd,))))
    assert found["findings"][0]["path"] == r"b\udce4d.sql"
    assert r"b\udce4d.sql:4" in handoff_json(handoff(replace(mixed(), findings=(odd,)))).replace("\\\\", "\\")
