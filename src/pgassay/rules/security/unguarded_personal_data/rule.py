"""Personal data in plain text beside tables with row-level security

Some tables of the schema are guarded by row security, and this one, with e-mail addresses, telephone numbers or
documents of identity in plain text, is not: whoever has a privilege on it reads those of everybody.

**Seen by:** names and types of columns, in a schema where other tables have row security. A name proves nothing, so
it is presumed.

**Instead:** row security on this table too, privileges on the other columns alone, or values encrypted by the
application.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies"; GRANT, on columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Column
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES
_WORDS = re.compile(
    r"(^|_)(e_?mail(_address)?|phone(_number)?|mobile(_number)?|passport(_number|_no)?|ssn|social_security(_number)?|"
    r"tax_id|national_id|id_card(_number)?|date_of_birth|birth_?date|dob|iban|home_address|street_address|"
    r"driving_licen[cs]e|first_name|last_name|full_name|surname)$",
    re.IGNORECASE,
)
_TYPES = {"text", "varchar", "character varying", "character", "citext", "date"}


def survey(state: State) -> Iterator[Finding]:
    """Report tables with personal data that nothing guards, where others are."""
    if not any(t.row_security for t in state.catalog.tables):
        return
    for table in state.catalog.tables:
        if table.row_security or table.policies or table.partition_of or table.kind == "foreign table":
            continue
        found = [c.name for c in table.columns if _personal(c)]
        if found:
            yield state.finding(
                VERDICT,
                f"{table.name} holds personal data ({', '.join(found)}) and has no row security, as other tables have",
                subject=table.name,
                certainty=Certainty.PRESUMED,
                evidence=(Evidence(kind="text", text=f"names of columns: {', '.join(map(quote, found))}"),),
            )


def _personal(column: Column) -> bool:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name)
    return column.base.split("(")[0] in _TYPES and bool(_WORDS.search(name))
