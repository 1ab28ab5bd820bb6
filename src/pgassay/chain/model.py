"""What contracts and subgraphs say about themselves, what the user wants, and the design made of them. No I/O.

Terms are those of the Solidity ABI specification (https://docs.soliditylang.org/en/latest/abi-spec.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Layout = Literal["plain", "bytea", "compact"]
Tenancy = Literal["none", "owner", "tenant"]
Kind = Literal[
    "uint", "int", "fixed", "ufixed", "bool", "address", "fixed bytes", "bytes", "string", "function", "tuple", "array"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AbiType:
    """An ABI type as a tree. ``size`` is bits of a number, bytes of ``bytesN``, None else; ``places`` are the decimals
    of ``fixed`` and ``ufixed``; ``length`` is that of a static array, None of a dynamic one; ``internal`` is Solidity's
    own name (``enum IToken.State``) where the ABI tells it."""

    kind: Kind
    size: int | None = None
    places: int | None = None
    element: AbiType | None = None
    length: int | None = None
    components: tuple[Parameter, ...] = ()
    internal: str | None = field(default=None, compare=False)

    @property
    def canonical(self) -> str:
        """The name that signatures are hashed with: ``uint256``, ``(address,bytes32[])[2]``."""
        match self.kind:
            case "uint" | "int":
                return f"{self.kind}{self.size}"
            case "fixed" | "ufixed":
                return f"{self.kind}{self.size}x{self.places}"
            case "fixed bytes":
                return f"bytes{self.size}"
            case "tuple":
                return f"({','.join(c.type.canonical for c in self.components)})"
            case "array":
                assert self.element is not None
                return f"{self.element.canonical}[{'' if self.length is None else self.length}]"
            case _:
                return self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of an event or function, or a component of a tuple. ``name`` may be empty."""

    name: str
    type: AbiType
    indexed: bool = False

    @property
    def hashed(self) -> bool:
        """Whether the log holds only the Keccak-256 hash of the value (an indexed value of a dynamic or composed
        type: ABI specification, "Encoding of Indexed Event Parameters")."""
        return self.indexed and self.type.kind in ("bytes", "string", "tuple", "array")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a contract."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    anonymous: bool = False

    @property
    def signature(self) -> str:
        """``Transfer(address,address,uint256)``."""
        return f"{self.name}({','.join(p.type.canonical for p in self.parameters)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of a contract; ``mutability`` is ``pure``, ``view``, ``nonpayable`` or ``payable``."""

    name: str
    inputs: tuple[Parameter, ...] = ()
    outputs: tuple[Parameter, ...] = ()
    mutability: str = "nonpayable"

    @property
    def signature(self) -> str:
        """``transfer(address,uint256)``."""
        return f"{self.name}({','.join(p.type.canonical for p in self.inputs)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract's interface and where it was read from."""

    name: str
    path: str
    events: tuple[Event, ...] = ()
    functions: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityField:
    """A field of a subgraph's entity. ``type`` is a scalar's, enum's, interface's or entity's name; ``depth`` counts
    list brackets; ``required`` is the ``!`` outside, ``required_items`` the one inside the innermost list."""

    name: str
    type: str
    depth: int = 0
    required: bool = False
    required_items: bool = False
    derived_from: str | None = None
    description: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A field of an ``@aggregation`` with its function (``sum``, ``count``, ``min``, ``max``, ``first``, ``last``) and
    argument as written."""

    name: str
    type: str
    function: str
    argument: str = ""
    cumulative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An object type of a subgraph's schema; an ``@aggregation`` has ``source``, ``intervals`` and ``aggregates``."""

    name: str
    fields: tuple[EntityField, ...] = ()
    immutable: bool = False
    timeseries: bool = False
    interfaces: tuple[str, ...] = ()
    source: str | None = None
    intervals: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    description: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulltext:
    """A full-text search (``@fulltext``): ``includes`` are entities with their fields, the weightiest first."""

    name: str
    language: str
    includes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgraph:
    """A subgraph's ``schema.graphql``: entities, enums (name, labels) and interfaces (name, fields). A union is an
    interface without fields; ``Entity.interfaces`` names those that an entity is one of, too."""

    path: str
    entities: tuple[Entity, ...] = ()
    enums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    interfaces: tuple[Entity, ...] = ()
    fulltexts: tuple[Fulltext, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPattern:
    """A query that the application will run, as SQL with ``$1`` parameters; ``calls`` a day."""

    name: str
    sql: str
    calls: float = 1.0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that rows of an event table are kept; ``line`` of the file that says so."""

    table: str
    days: int
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``pgassay.toml`` and the flags say. ``partition_size`` is blocks, or days under ``partition = "time"``."""

    path: str | None = None
    schema: str = "public"
    layout: Layout = "plain"
    tenancy: Tenancy = "none"
    chains: tuple[int, ...] = ()
    wide_chain_id: bool = False
    partition: Literal["none", "block", "time"] = "block"
    partition_size: int = 1_000_000
    partitions_ahead: int = 3
    retention: tuple[Retention, ...] = ()
    presets: tuple[str, ...] = ()
    abi: tuple[str, ...] = ()  # files, folders, npm packages
    subgraph: str | None = None
    patterns: tuple[AccessPattern, ...] = ()
    owner_role: str = "registry_owner"
    writer_role: str = "registry_writer"
    reader_role: str = "registry_reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A keyset-paginated read that the design serves: rows of ``table`` where ``equal`` columns have given values, in
    the order of ``order`` (unique together; ``descending`` for newest first), served by ``index``, or by ``indexes``:
    one for each column of ``either``."""

    name: str
    table: str
    equal: tuple[str, ...] = ()
    either: tuple[str, ...] = ()  # one of these has a further given value: a keyset read for each, merged
    order: tuple[str, ...] = ()
    descending: bool = True
    where: str | None = None  # a condition that every row shown meets, as SQL; the index has it as well
    columns: tuple[str, ...] = ()  # empty: all
    index: str | None = None
    indexes: tuple[str, ...] = ()
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignedTable:
    """A table of the design, and why it is there. ``source`` is the event's signature, the entity's name or empty."""

    name: str
    role: Literal["registry", "chain", "event", "rollup", "compliance", "entity", "dictionary", "tenancy"]
    purpose: str
    source: str = ""
    topic: str | None = None  # keccak-256 of the signature, 0x and 64 hexadecimal digits
    tenant_column: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One migration of the design: statements forward and back (back undoes them, in the order to run)."""

    name: str
    forward: tuple[str, ...]
    back: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The whole design. Applying the forward parts in order to an empty database makes the schema; the back parts in
    reverse order give the empty database again. Everything else (ORM models, diagrams, dictionary) is made from the
    catalog of a scratch server to which it was applied, with the words of ``tables``."""

    settings: Settings
    contracts: tuple[Contract, ...] = ()
    subgraph: Subgraph | None = None
    parts: tuple[Part, ...] = ()
    tables: tuple[DesignedTable, ...] = ()
    listings: tuple[Listing, ...] = ()
    notes: tuple[str, ...] = ()  # what was decided, left out or renamed, for people
