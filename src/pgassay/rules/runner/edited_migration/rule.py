"""Migration edited after it was deployed

A file that a database has recorded as applied is not run again. drizzle-kit, dbmate, goose and golang-migrate do not
even notice the edit: the databases that have the file keep what it was, new ones (tests, a colleague's, a restored one)
get what it is, and what is tested is not what runs. Flyway and Prisma compare checksums and stop or warn.

**Seen by:** the file, compared with the commit where the branch began (`--base`) or with the checksum in the runner's
own table (`--database`). Comments and spaces do not count where the runner does not mind them.

**Instead:** restore the file, and put the change into a new migration.

Source: PostgreSQL knows nothing of this; the runner's documentation: Flyway, "Validate"; Prisma Migrate, "Edited
migrations".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict
from pgassay.rules.step import Step

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = ()


def find(step: Step) -> Iterator[Finding]:  # noqa: ARG001
    """Nothing: it is the folder that shows it, not a statement (see ``judge_oddities``)."""
    return iter(())
