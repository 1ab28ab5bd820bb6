"""A review, check or proof of isolation as a page."""

from __future__ import annotations

from pgassay.model import Report, Verdict
from pgassay.report.html.page import render
from pgassay.report.html.timeline import timelines


def report_html(report: Report, *, threshold: Verdict = Verdict.BLOCKS) -> str:
    """The page: verdicts, what each finding rests on, the cure, and when which table was locked."""
    findings = sorted(report.findings, key=lambda f: f.verdict.rank)
    return render(
        "report.html",
        report=report,
        findings=findings,
        failed=report.failed(threshold),
        threshold=threshold,
        timelines=timelines(report.locks),
    )
