"""From contracts and a subgraph to a PostgreSQL schema: pure functions, text out."""

from pgassay.chain.design.making import design
from pgassay.chain.design.sample import samples
from pgassay.chain.design.tables import sources

__all__ = ["design", "samples", "sources"]
