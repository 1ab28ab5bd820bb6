"""Session that names no tenant and is not kept out

Connections come back from a pool with nothing set, jobs and consoles forget to. A policy that lets a missing or empty
setting pass shows such a session every tenant's rows. `current_setting('…')` without its second argument fails with
an error instead, where nothing was ever set, and a cast of the empty string, which SET LOCAL leaves behind, fails as
well.

**Seen by:** the policy's text: it asks whether the setting is NULL or empty, joined by OR (exposes), or reads it
without `missing_ok` (style). `pgassay secure` tries both kinds of session on every table.

**Instead:** `nullif(current_setting('…', true), '')`, which is NULL where nothing is set: then no row is seen.

Source: PostgreSQL manual, chapter 9.28.1 "Configuration Settings Functions"; SET.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog.sessions import reads, session_functions, texts
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES
_PASSES = re.compile(
    r"^[\s)]*(?:::\w+|,\s*''(?:::text)?\)|\s|\))*(?:IS NULL|= ''(?!::text\) THEN NULL))", re.IGNORECASE
)
_STRICT = re.compile(r"current_setting\(\s*'[^']+'(?:::text)?\s*\)", re.IGNORECASE)


def survey(state: State) -> Iterator[Finding]:
    """Report policies that an empty session passes, or that fail in one."""
    functions = session_functions(state.catalog)
    for table in state.catalog.tables:
        for policy in table.policies if table.row_security else ():
            told = [" ".join(text.split()) for text in texts([policy])]
            for text in told:
                calls = [r.call for r in reads(text, functions)]
                passes = any(_PASSES.match(text[text.find(c) + len(c) :]) for c in calls) and " OR " in text.upper()
                if passes and policy.permissive:
                    yield state.finding(
                        VERDICT,
                        f"policy {quote(policy.name)} on {table.name} lets a session pass that names no tenant",
                        subject=table.name,
                        certainty=Certainty.COMPUTED,
                        evidence=(Evidence(kind="catalog", text=text),),
                    )
                    break
                if _STRICT.search(text):
                    mended = [_lenient(each) for each in told]
                    words = [w for w, t in (("USING", policy.using), ("WITH CHECK", policy.check)) if t]
                    changes = " ".join(f"{w} ({t})" for w, t in zip(words, mended, strict=True))
                    yield state.finding(
                        Verdict.STYLE,
                        f"policy {quote(policy.name)} on {table.name} fails where nothing is set: it shall show none",
                        subject=table.name,
                        certainty=Certainty.COMPUTED,
                        evidence=(Evidence(kind="catalog", text=text),),
                        remedy=f"ALTER POLICY {quote(policy.name)} ON {table.name} {changes};",
                    )
                    break


def _lenient(text: str) -> str:
    return _STRICT.sub(lambda m: f"nullif({m[0][:-1]}, true), '')", text)
