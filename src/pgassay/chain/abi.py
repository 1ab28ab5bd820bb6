"""Contracts from bare ABIs, artifacts of Hardhat, Foundry and Truffle, outputs of solc, folders and npm packages.

An ABI may also be a list of declarations as people write them (``abi_text.py``).
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pgassay.chain.abi_text import read_declaration
from pgassay.chain.abi_types import NoAbi, read_event, read_function
from pgassay.chain.model import Contract, Event, Function
from pgassay.errors import InputError

_PACKAGE = re.compile(r"(@[\w.~-]+/)?[\w.~-]+\Z")
_SKIPPED_FOLDERS = frozenset(("node_modules", "build-info", "cache", "metadata", "typechain-types", ".git", ".deps"))
_SKIPPED_FILES = re.compile(
    r".*\.dbg\.json|.*_metadata\.json|(package|package-lock|tsconfig.*|foundry|\.\w+|composer|deno|jsconfig)\.json"
)
_BARE = re.compile(r'\s*\[\s*(\{|"(event|function|error|constructor)\b)')
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ReadContracts:
    """Contracts in the order of their names, and what people should know of how they were read."""

    contracts: tuple[Contract, ...]
    notes: tuple[str, ...] = ()


def read_contracts(sources: Sequence[str], base: Path) -> ReadContracts:
    """The contracts of files, folders and npm packages (``@openzeppelin/contracts``, found as Node finds them in
    ``node_modules`` of ``base`` or above). The same contract twice is one; two of the same name are told apart.

    Raises InputError, with file and line where there is one: no such file, broken JSON, no ABI in it, a type that the
    ABI specification does not have.
    """
    notes: list[str] = []
    found: list[_Found] = []
    for source in sources:
        found += _of_source(source, base, notes)
    contracts = _told_apart(found, notes)
    _note_silent(contracts, notes)
    return ReadContracts(contracts, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Found:
    """A contract as one file has it; ``source``: the Solidity file, where the artifact tells it."""

    contract: Contract
    source: str


def _of_source(source: str, base: Path, notes: list[str]) -> list[_Found]:
    path = base / source
    if path.is_file():
        found = list(_of_file(path, _shown(path, base), notes, named=True))
        if not found:
            raise InputError("holds no ABI: a list of events and functions, or an object with `abi`", path=str(path))
        return found
    folder = path if path.is_dir() else _package(source, base)
    found = [f for file in _files(folder) for f in _of_file(file, _shown(file, base), notes, named=False)]
    if not found:
        hint = "Compile the contracts first; packages of sources alone have no ABI." if _PACKAGE.match(source) else None
        raise InputError("no ABI in this folder", path=str(folder), hint=hint)
    return found


def _package(name: str, base: Path) -> Path:
    top = base.resolve()
    if _PACKAGE.match(name):
        for folder in (top, *top.parents):
            if (package := folder / "node_modules" / name).is_dir():
                return package
    kind = "file, folder or package in node_modules" if _PACKAGE.match(name) else "file or folder"
    hint = f"Install the package first: npm install {name}" if name.startswith("@") else None
    raise InputError(f"no such {kind}: {name} (looked in {top} and above)", hint=hint)


def _files(folder: Path) -> Sequence[Path]:
    """JSON files below; what compilers keep beside artifacts only where there is nothing else."""
    artifacts: list[Path] = []
    whole: list[Path] = []
    for top, folders, names in os.walk(folder):
        here = Path(top)
        folders[:] = sorted(f for f in folders if f not in _SKIPPED_FOLDERS or f == "build-info")
        found = [here / n for n in sorted(names) if n.endswith(".json") and not _SKIPPED_FILES.fullmatch(n)]
        (whole if here.name == "build-info" and here != folder else artifacts).extend(found)
    return artifacts or whole


def _of_file(path: Path, shown: str, notes: list[str], *, named: bool) -> Iterator[_Found]:
    """The contracts of one file; a file that nobody named and that looks like something else holds none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"cannot be read: {reason}", path=shown) from None
    if not named and '"abi"' not in text and not _BARE.match(text):
        return
    try:
        held = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"broken JSON at column {error.colno}: {error.msg}", path=shown, line=error.lineno) from None
    except RecursionError:
        raise InputError("broken JSON: brackets too deep", path=shown) from None
    for name, source, abi in _abis(held, path):
        try:
            yield _Found(_contract(name, shown, abi, notes), source)
        except NoAbi as problem:
            raise InputError(f"{name}: {problem}", path=shown, line=_line(text, problem.near)) from None


def _abis(held: Any, path: Path) -> Iterator[tuple[str, str, list[Any]]]:
    """Name, Solidity file and ABI of each contract in a JSON document."""
    if isinstance(held, Mapping) and isinstance(held.get("result"), str):  # as block explorers answer
        held = _parsed(held["result"])
    if isinstance(held, list):
        written = bool(held) and all(isinstance(entry, str) for entry in held)
        if written or all(isinstance(entry, Mapping) and ("type" in entry or "name" in entry) for entry in held):
            yield path.name.split(".")[0], "", held
    elif isinstance(held, Mapping):
        if isinstance(abi := _parsed(held.get("abi")), list):
            yield *_identity(held, path), abi
        for source, inner in _mapping(_mapping(held.get("output", held)).get("contracts")).items():
            if isinstance(abi := _parsed(_mapping(inner).get("abi")), list):  # solc --combined-json
                file, _, name = source.rpartition(":")
                yield name, file, abi
                continue
            for name, output in _mapping(inner).items():
                if isinstance(abi := _parsed(_mapping(output).get("abi")), list):
                    yield name, source, abi


def _identity(artifact: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """Name and Solidity file of an artifact. Foundry has them in the metadata, the name in out/A.sol/A.0.8.20.json."""
    metadata = _mapping(_parsed(artifact.get("metadata")))
    target = _mapping(_mapping(metadata.get("settings")).get("compilationTarget"))
    source, name = next(iter(target.items()), ("", ""))
    name = artifact.get("contractName") or name or path.name.split(".")[0]
    return str(name), str(artifact.get("sourceName") or source)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _parsed(value: Any) -> Any:
    """JSON within JSON, where a tool wrote it as a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _contract(name: str, path: str, abi: Iterable[Any], notes: list[str]) -> Contract:
    events: dict[str, Event] = {}
    functions: dict[str, Function] = {}
    for entry in abi:
        if isinstance(entry, str):
            match read_declaration(entry):
                case Event() as event:
                    events.setdefault(event.signature, event)
                case Function() as function:
                    functions.setdefault(function.signature, function)
            continue
        if not isinstance(entry, Mapping):
            raise NoAbi(f"{str(entry)[:40]!r} is no entry of an ABI")
        match entry.get("type", "function"):
            case "event":
                event = read_event(entry)
                events.setdefault(event.signature, event)
            case "function":
                try:
                    function = read_function(entry)
                    functions.setdefault(function.signature, function)
                except NoAbi as problem:  # a library's own types, such as `Map storage`: nobody calls it from outside
                    notes.append(f"{name} ({path}): {problem}; the function is left out")
            case "constructor" | "fallback" | "receive" | "error":
                pass
            case kind:
                raise NoAbi(f"an entry of type {kind!r}", near=str(kind))
    return Contract(name=name, path=path, events=tuple(events.values()), functions=tuple(functions.values()))


def _told_apart(found: Sequence[_Found], notes: list[str]) -> tuple[Contract, ...]:
    different: dict[str, dict[object, _Found]] = defaultdict(dict)
    for item in found:
        contract = item.contract
        interface = frozenset((*contract.events, *contract.functions))
        different[contract.name].setdefault(interface, item)
    made = []
    doubles = []
    for name, versions in sorted(different.items()):
        items = list(versions.values())
        if len(items) == 1:
            made.append(items[0].contract)
            continue
        doubles.append(name)
        sources = [item.source or item.contract.path for item in items]
        places = sources if len(set(sources)) == len(sources) else [item.contract.path for item in items]
        made += [replace(i.contract, name=f"{name} ({p})") for i, p in zip(items, places, strict=True)]
    if doubles:
        notes.append(f"different contracts of one name, told apart by their files: {_list(doubles)}")
    return tuple(made)


def _note_silent(contracts: Sequence[Contract], notes: list[str]) -> None:
    silent = [c.name for c in contracts if not c.events]
    if silent:
        notes.append(
            f"{len(silent)} of {len(contracts)} contracts have no events, so nothing to store: {_list(silent)}"
        )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _line(text: str, near: str) -> int | None:
    at = text.find(f'"{near}"') if near else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else None


def _shown(path: Path, base: Path) -> str:
    try:
        return str(path.relative_to(base))
    except ValueError:
        return str(path)
