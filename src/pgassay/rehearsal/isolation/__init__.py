"""Two tenants on a scratch server: what can one of them reach of the other's?"""

from pgassay.rehearsal.isolation.model import Leak, Proof, Told
from pgassay.rehearsal.isolation.prove import prove

__all__ = ["Leak", "Proof", "Told", "prove"]
