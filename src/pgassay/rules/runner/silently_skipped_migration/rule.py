"""Migration that the runner skips and says nothing

Some runners remember only how far they came. drizzle-kit compares each entry's `when` in `meta/_journal.json` with the
greatest `created_at` in its table: a file that was merged late, with an older time stamp, is never run, and the command
succeeds. golang-migrate does the same with version numbers. A file that the journal does not name is never run either.
The application that expects the new columns then meets a database without them.

**Seen by:** the folder and its journal, compared with what is deployed (`--base`, `--database`).

**Instead:** give the file a number or time stamp newer than all that are deployed (drizzle-kit: drop the migration and
generate it anew), and deploy again.

Source: PostgreSQL knows nothing of this; the runner's documentation: drizzle-kit, "migrate"; golang-migrate,
"versions".
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
