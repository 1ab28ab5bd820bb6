"""The proven way back of a migration: derived from the catalogs before and after, and tried with rows."""

from __future__ import annotations

from pgassay.migrate.down.comparing import counts
from pgassay.migrate.down.derivation import PARKED, Grounds, Parked, derive, without
from pgassay.migrate.down.model import Draft, Lost, Trial, Verdict
from pgassay.migrate.down.naming import Identity, identities, rename_back
from pgassay.migrate.down.parking import Parking, park
from pgassay.migrate.down.proof import Stage, trial
from pgassay.migrate.down.seeding import seeds
from pgassay.migrate.down.unseen import hidden, unseen

__all__ = [
    "PARKED",
    "Draft",
    "Grounds",
    "Identity",
    "Lost",
    "Parked",
    "Parking",
    "Stage",
    "Trial",
    "Verdict",
    "counts",
    "derive",
    "hidden",
    "identities",
    "park",
    "rename_back",
    "seeds",
    "trial",
    "unseen",
    "without",
]
