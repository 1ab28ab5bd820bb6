"""Events told apart by their name alone

One name may have several signatures: `Deposit(address,uint256)` of wrapped ether and `Deposit(address,address,uint256,
uint256)` of a vault, and real suites of contracts have dozens of such names. A table with the name and no signature
mixes them up, and two tables whose names differ in case alone invite the same.

**Seen by:** a table of events with a column for the name and none for the signature or topic 0; or two tables of events
whose names are the same but for case and underscores.

**Instead:** the signature's hash (topic 0) beside the name; one table for each signature.

Source: Solidity documentation, "Contract ABI Specification", Events.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.rules.schema.chain import chain, plain
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_NAMES = {"event", "event_name", "event_type"}
_SIGNATURES = {
    "topic_0", "topics", "topic", "topic_hash", "signature", "event_signature", "event_sig", "signature_hash",
    "event_hash", "event_signature_hash", "sig", "selector", "event_id", "abi_id", "event_abi_id", "data_decoded",
}  # fmt: skip


def survey(state: State) -> Iterator[Finding]:
    """Report what mixes events up."""
    about = chain(state.catalog)
    seen: dict[tuple[str | None, str], str] = {}
    for table in tables(state):
        if not about.event(table):
            continue
        names = {plain(c.name): c.name for c in table.columns}
        texts = {plain(c.name) for c in table.columns if c.category in "SE"}
        named = next((names[n] for n in sorted(_NAMES & texts)), None)
        if named and not set(names) & _SIGNATURES:
            yield state.finding(
                VERDICT,
                f"{table.name} tells events by their name alone: two signatures of one name cannot be told apart",
                subject=(table.name, named),
                certainty=Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text=f"{named}, and no column for the signature or topic 0"),),
                remedy=f"ALTER TABLE {table.name} ADD COLUMN topic0 bytea CHECK (octet_length(topic0) = 32);",
            )
        key = (table.name.schema, plain(table.name.name).replace("_", ""))
        other = seen.setdefault(key, str(table.name))
        if other != str(table.name):
            yield state.finding(
                VERDICT,
                f"{table.name} and {other} have the same name but for case and underscores",
                subject=table.name,
                certainty=Certainty.COMPUTED,
            )
