"""Stand-ins for production: synthetic rows that obey constraints and follow statistics."""

from pgassay.twin.fill import Fill, Unfilled, fill

__all__ = ["Fill", "Unfilled", "fill"]
