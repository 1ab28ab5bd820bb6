"""A catalog as people read it: a diagram (Mermaid, SVG) and a data dictionary (Markdown). Pure functions."""

from pgassay.report.drawing.dictionary import dictionary
from pgassay.report.drawing.mermaid import mermaid
from pgassay.report.drawing.picture import picture

__all__ = ["dictionary", "mermaid", "picture"]
