"""What a layout changes: types of addresses and hashes, the key of an event, the columns that say whose a row is."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.chain.design.tables import Field
from pgassay.chain.model import Settings
from pgassay.chain.types import ADDRESS, ADDRESS_ID, HASH
from pgassay.model import Name, literal, quote

BLOCK_BITS = 20  # of a packed event id: the log's index in its block; above it 32 bits block, then the chain's number
CHAIN_BITS = 52


@dataclass(frozen=True, slots=True)
class Scope:
    """A column that tells whose a row is, and how to read it from an event's row ``e``."""

    name: str
    type: str
    source: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One layout for one schema. ``packed``: the key of an event is one bigint ``event_id``."""

    settings: Settings

    def name(self, bare: str) -> Name:
        """An object of the designed schema."""
        return Name(self.settings.schema, bare)

    @property
    def namespace(self) -> str:
        """The designed schema as a ``regnamespace``, in SQL."""
        return f"{literal(quote(self.settings.schema))}::regnamespace"

    @property
    def packed(self) -> bool:
        """Whether block, log index and chain are one number."""
        return self.settings.layout != "plain"

    @property
    def compact(self) -> bool:
        """Whether addresses are numbers of a dictionary."""
        return self.settings.layout == "compact"

    @property
    def tenant(self) -> str | None:
        """The policy column, where there is one."""
        return {"none": None, "owner": "owner_id", "tenant": "tenant_id"}[self.settings.tenancy]

    @property
    def tenant_field(self) -> Field | None:
        """The policy column with its default: the session's own user or tenant."""
        if self.tenant is None:
            return None
        function = "user_id" if self.settings.tenancy == "owner" else "tenant_id"
        return Field(name=self.tenant, type="uuid", default=f"auth.{function}()", comment="Whose the row is.")

    @property
    def chain_type(self) -> str:
        """The type of a chain's id."""
        return "bigint" if self.settings.wide_chain_id else "integer"

    @property
    def address(self) -> str:
        """The type of an address in a column of its own."""
        return ADDRESS_ID if self.compact else str(self.name(ADDRESS))

    @property
    def hash(self) -> str:
        """The type of a 32-byte hash."""
        return str(self.name(HASH))

    @property
    def contract(self) -> str:
        """The column of the contract that logged an event."""
        return "contract_id" if self.compact else "contract_address"

    @property
    def order(self) -> tuple[str, ...]:
        """The columns of the order in which events happened (within a chain)."""
        return ("event_id",) if self.packed else ("block_number", "log_index")

    @property
    def order_types(self) -> tuple[str, ...]:
        """Their types."""
        return ("bigint",) if self.packed else ("bigint", "integer")

    @property
    def chain(self) -> tuple[Scope, ...]:
        """The chain, where a row must say it: an entry of the dictionary, and a packed id, imply it."""
        if not self.packed:
            return (Scope("chain_id", self.chain_type, "e.chain_id"),)
        if self.compact:
            return ()
        return (Scope("chain_no", "smallint", f"(e.event_id >> {CHAIN_BITS})::smallint"),)

    @property
    def scope(self) -> tuple[Scope, ...]:
        """Tenant, chain and contract: what every rollup's key begins with."""
        tenant = () if self.tenant is None else (Scope(self.tenant, "uuid", f"e.{self.tenant}"),)
        return (*tenant, *self.chain, Scope(self.contract, self.address, f"e.{self.contract}"))

    @property
    def place(self) -> tuple[Field, ...]:
        """The columns that every event begins with: where it happened. Wide ones first, so that nothing is padded."""
        if self.packed:
            return (
                Field(
                    name="event_id", type="bigint", comment="Chain number, block number and log index in one number."
                ),
                Field(name="transaction_index", type="integer"),
            )
        return (
            Field(name="block_number", type="bigint"),
            Field(name="block_time", type="timestamptz", comment="The block's own time."),
            Field(name="chain_id", type=self.chain_type),
            Field(name="log_index", type="integer", comment="Position of the log in its block."),
        )

    def bounds(self) -> tuple[str, str] | None:
        """The first partition: the first blocks of the first chain."""
        settings = self.settings
        if settings.partition != "block":
            return None
        if not self.packed:
            return "0", str(settings.partition_size)
        return str(1 << CHAIN_BITS), str((1 << CHAIN_BITS) + (settings.partition_size << BLOCK_BITS))

    def partition_key(self) -> str | None:
        """The column that event tables are partitioned by."""
        if self.settings.partition == "none":
            return None
        if self.packed:
            return "event_id"
        return "block_time" if self.settings.partition == "time" else "block_number"
