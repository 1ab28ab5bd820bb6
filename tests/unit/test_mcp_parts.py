from __future__ import annotations

import json
import string
import unicodedata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_types import CallToolResult

from pgassay.mcp import fitting
from pgassay.mcp.calls import phase
from pgassay.mcp.kept import Kept
from pgassay.mcp.marking import quoted, stripped
from pgassay.mcp.roots import Outside, Roots
from pgassay.mcp.server import inlined

LIMIT = 8 * 1024
hostile = st.text(st.characters() | st.sampled_from("\x1b[]\x07\x9b\u202em0"), max_size=60).map(lambda t: t * 40)
words = st.text(string.ascii_lowercase + "-", min_size=1, max_size=20)
items = st.lists(
    st.builds(
        lambda id, rule, text: {
            "id": id, "rule": rule, "verdict": "fails", "certainty": "proved", "remedy": "none", "place": text,
            "message": text, "body": {"message": text},
        },
        st.text("0123456789abcdef", min_size=16, max_size=16), words, hostile,
    ),
    max_size=60,
)  # fmt: skip


@given(hostile)
def test_nothing_that_is_obeyed_remains(text: str) -> None:
    left = stripped(text)
    assert not [c for c in left if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    left.encode()


@given(st.text(string.printable.replace("\r", "").replace("\t", "").replace("\x0b", "").replace("\x0c", "")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert stripped(text) == text
    assert quoted(text, max(len(text), 1)).untrusted == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07name", "name"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\u202eb\u200bc\ufeff", "abc"),
        ("<b>\r\nx", "<b>\nx"),
        ("\udc80x", "x"),
    ],
)
def test_sequences_go_whole(text: str, left: str) -> None:
    assert stripped(text) == left


def test_a_megabyte_is_cut_and_said_to_be() -> None:
    found = quoted("y" * 1_000_000, 100)
    assert (len(found.untrusted), found.truncated) == (100, True)
    assert not quoted("y" * 100, 100).truncated


def sent(result: CallToolResult) -> int:
    return len(json.dumps(result.model_dump(mode="json", by_alias=True, exclude_none=True)).encode())


@settings(max_examples=60, deadline=None)
@given(items, st.lists(hostile, max_size=8), st.none() | hostile)
def test_every_answer_fits(found: list[dict[str, Any]], notes: list[str], plan: str | None) -> None:
    kept = Kept()
    outcome = {"items": found, "counts": {"fails": len(found)}, "notes": notes, "handoff": "{}", "plan": plan}
    result = fitting.findings(outcome, kept)
    assert sent(result) <= LIMIT
    answer = result.structured_content
    assert answer is not None and len(answer["items"]) + answer["more"] == len(found)
    assert len((kept.get(answer["run"]) or "").splitlines()) >= len(found) + 1
    assert all(kept.get(item["id"]) for item in answer["items"])


@settings(max_examples=40, deadline=None)
@given(hostile, st.integers(1, 30))
def test_pages_join_to_the_whole(text: str, times: int) -> None:
    whole, offset, joined = text * times, 0, ""
    while True:
        result = fitting.page("r1", whole, offset)
        assert sent(result) <= LIMIT
        page = result.structured_content
        assert page is not None
        joined += whole[offset : page.get("next", len(whole))]
        if "next" not in page:
            break
        assert page["next"] > offset
        offset = page["next"]
    assert joined == whole


@given(hostile, st.lists(hostile, min_size=1, max_size=30))
def test_decisions_fit_and_wait(question: str, about: list[str]) -> None:
    options = [{"answer": "drop-0123456789ab", "meaning": "Drop."}, {"answer": "keep", "meaning": "Keep."}]
    outcome = {
        "items": [], "counts": {}, "notes": [question], "files": about,
        "decision": {"question": "What?", "about": about, "options": options},
    }  # fmt: skip
    result = fitting.made(outcome, Kept())
    assert sent(result) <= LIMIT
    assert result.structured_content is not None and result.structured_content["status"] == "needs_decision"


def test_what_is_kept_has_an_end() -> None:
    kept = Kept()
    for number in range(40):
        kept.put(f"r{number}", "x" * (4 * 2**20))
    assert kept.get("r0") is None and kept.get("r39") is not None


@given(hostile)
def test_progress_tells_only_what_we_do(text: str) -> None:
    assert phase(text).isascii() and phase(f"reading {text}") == "reading"


@pytest.mark.parametrize(
    "word", ["..", "/etc/passwd", "a/../../b", "-", "--x", "out/x", "export:..", "postgresql://h/d", "a\0b"]
)
def test_paths_outside_are_refused(tmp_path: Path, word: str) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/out").symlink_to(tmp_path)
    with pytest.raises(Outside):
        Roots(project=tmp_path / "p").inside(word)


def test_paths_inside_are_relative(tmp_path: Path) -> None:
    roots = Roots(project=tmp_path)
    assert roots.inside(".") == "." and roots.inside("a/../b") == "b" and roots.inside(str(tmp_path / "c")) == "c"
    assert roots.inside("export:web") == "export:web"


def test_a_schema_says_the_same_without_its_detours() -> None:
    text = {"type": "object", "properties": {"untrusted": {"type": "string"}}}
    once = {"type": "object", "properties": {"a": {"$ref": "#/$defs/Text"}, "b": {"$ref": "#/$defs/Text"}}}
    schema = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/Once"}}},
        "$defs": {"Text": text, "Once": once},
    }
    short = inlined(schema)
    assert short["properties"]["items"]["items"] == once and short["$defs"] == {"Text": text}
    for value in ({"items": [{"a": {"untrusted": "x"}}]}, {"items": [{"a": {"untrusted": 1}}]}, {"items": [3]}):
        valid = [jsonschema.Draft202012Validator(each).is_valid(value) for each in (schema, short)]
        assert valid[0] == valid[1]


huge = st.integers(1, 900)


@settings(max_examples=8, deadline=None)
@given(huge, huge, st.sampled_from(["x", "ü", "\U0001f600", '"', "\n", "\\"]), st.booleans())
def test_the_answers_of_a_huge_project_fit(files: int, length: int, letter: str, asks: bool) -> None:
    """Of every tool: hundreds of findings, recommendations and files, with names as long as they like."""
    name = letter * length
    ids = [f"{n:016x}" for n in range(files)]
    base = {"counts": {f"kind {n}": n for n in range(12)}, "notes": [name] * files, "handoff": name}
    findings = [
        {"id": id, "rule": "required-column-added", "verdict": "loses-data", "certainty": "computed", "remedy": "none",
         "place": name, "message": name, "body": {}} for id in ids
    ]  # fmt: skip
    advised = [
        {"id": id, "kind": "index", "certainty": "proved", "sql": name, "queries": 10**6, "gain": 1e-9, "body": {}}
        for id in ids
    ]
    options = [{"answer": f"rename-{n:012x}", "meaning": f"It was renamed to about[{n}]."} for n in range(7)]
    decision = {"question": "What became of about[0]?", "about": [name] * files, "options": options} if asks else None
    written = base | {"items": [{"text": name}] * files, "files": [name] * files, "decision": decision}
    kept = Kept()
    for result in (
        fitting.findings(base | {"items": findings, "plan": name}, kept),
        fitting.advice(base | {"items": advised}, kept),
        fitting.made(written, kept),
        fitting.page("r1", name * 3, 0),
    ):
        assert sent(result) <= LIMIT
        answer = result.structured_content
        assert answer is not None and len(answer.get("items", [])) + answer.get("more", 0) in (0, files)
