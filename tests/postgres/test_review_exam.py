"""What real projects taught: short histories in our own words, each with a shape on which a review once erred.

A history is a text of files between lines ``-- file``: each is met by populated tables, as ``--history`` does it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.model import Report
from pgassay.workflows.review import ReviewOptions, review

# Each history and what is said of it: "file:line rule verdict certainty", in the report's order.
HISTORIES = {
    """
    -- a function is dropped where it is dropped, and not where a guard finds nothing or finds it gone
    CREATE FUNCTION fee(amount bigint, since timestamptz) RETURNS bigint LANGUAGE sql AS 'SELECT amount';
    -- file
    DROP FUNCTION IF EXISTS fee(integer, timestamptz);
    DROP FUNCTION IF EXISTS fee(bigint, timestamp with time zone);
    DROP FUNCTION IF EXISTS fee;
    """: ["2:3 dropped-function breaks-app computed"],
}


def history(folder: Path, text: str) -> Report:
    for number, part in enumerate(text.split("-- file"), 1):
        (folder / f"{number}.sql").write_text("\n".join(line.strip() for line in part.splitlines()))
    return review(str(folder), ReviewOptions(history=True, rows=200))


@pytest.mark.parametrize("text", HISTORIES)
def test_history(tmp_path: Path, text: str) -> None:
    report = history(tmp_path, text)
    found = [f"{Path(f.path).stem}:{f.line} {f.rule} {f.verdict} {f.certainty}" for f in report.findings]
    assert found == HISTORIES[text], [f.message for f in report.findings]
