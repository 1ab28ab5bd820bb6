"""``pgassay review``: what will these migrations do?"""

from pgassay.workflows.options import ReviewOptions

__all__ = ["ReviewOptions"]
