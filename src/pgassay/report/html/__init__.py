"""Reports as one self-contained HTML file: no network, no script; light and dark, for paper and for the keyboard."""

from pgassay.report.html.designed import design_html
from pgassay.report.html.reviewed import report_html
from pgassay.report.html.tuned import tune_html

__all__ = ["design_html", "report_html", "tune_html"]
