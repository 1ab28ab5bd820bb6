"""Contracts from whatever compilers, tools and people leave on disk."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.chain.abi import read_contracts
from pgassay.chain.abi_types import NoAbi, read_type
from pgassay.chain.model import Contract
from pgassay.errors import InputError, PgassayError
from tests.abi_values import types


def transfer(*names: str) -> dict[str, Any]:
    kinds = ("address", "address", "uint256")
    inputs = [{"name": n, "type": t, "indexed": t == "address"} for n, t in zip(names, kinds, strict=True)]
    return {"type": "event", "name": "Transfer", "inputs": inputs, "anonymous": False}


TRANSFER = transfer("from", "to", "value")
ABI = [
    TRANSFER,
    {"type": "constructor", "inputs": []},
    {"type": "fallback"},
    {"type": "receive"},
    {"type": "error", "name": "E"},
]


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    return path


def names(folder: Path, *sources: str) -> list[str]:
    return [c.name for c in read_contracts(sources, folder).contracts]


def event(folder: Path, entry: object) -> Contract:
    write(folder / "A.json", [entry])
    return read_contracts(["A.json"], folder).contracts[0]


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("Gold.json", ABI, ["Gold"]),
        ("Gold.abi.json", ABI, ["Gold"]),
        ("x.json", {"contractName": "Gold", "sourceName": "Gold.sol", "abi": ABI}, ["Gold"]),
        ("Gold.0.8.20.json", {"abi": ABI, "bytecode": {"object": "0x"}}, ["Gold"]),
        ("x.json", {"abi": ABI, "metadata": {"settings": {"compilationTarget": {"src/Gold.sol": "Gold"}}}}, ["Gold"]),
        ("x.json", {"contracts": {"a.sol": {"Gold": {"abi": ABI}, "Silver": {"abi": []}}}}, ["Gold", "Silver"]),
        ("x.json", {"output": {"contracts": {"a.sol": {"Gold": {"abi": ABI}}}}}, ["Gold"]),
        ("x.json", {"contracts": {"a.sol:Gold": {"abi": json.dumps(ABI)}}}, ["Gold"]),
        ("Gold.json", {"status": "1", "result": json.dumps(ABI)}, ["Gold"]),
        ("Gold.json", ["event Transfer(address indexed from, address indexed, uint value)", "error E()"], ["Gold"]),
        ("Gold.json", "\ufeff" + json.dumps(ABI), ["Gold"]),
    ],
)
def test_every_shape_of_file(tmp_path: Path, file: str, content: object, expected: list[str]) -> None:
    write(tmp_path / file, content)
    read = read_contracts([file], tmp_path).contracts
    assert [c.name for c in read] == expected
    assert [e.signature for e in read[0].events] == ["Transfer(address,address,uint256)"]
    assert [p.indexed for p in read[0].events[0].parameters] == [True, True, False]


def test_folders_without_what_is_no_artifact(tmp_path: Path) -> None:
    write(tmp_path / "out/Gold.sol/Gold.json", {"abi": ABI})
    write(tmp_path / "out/Gold.sol/Gold.dbg.json", {"_format": "hh-sol-dbg-1", "abi": "broken"})
    write(tmp_path / "out/build-info/1.json", {"output": {"contracts": {"a.sol": {"Other": {"abi": ABI}}}}})
    write(tmp_path / "out/node_modules/x/X.json", {"abi": ABI})
    write(tmp_path / "out/tsconfig.json", "{ // comments, }")
    write(tmp_path / "out/deployments.json", {"mainnet": "0x"})
    write(tmp_path / "out/words.json", ["eventually", "x"])
    write(tmp_path / "out/Written.json", ["event E()"])
    assert names(tmp_path, "out") == ["Gold", "Written"]


def test_build_info_where_there_is_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "out/build-info/1.json", {"output": {"contracts": {"a.sol": {"Other": {"abi": ABI}}}}})
    assert names(tmp_path, "out") == ["Other"]


def test_packages_are_found_as_node_finds_them(tmp_path: Path) -> None:
    write(tmp_path / "node_modules/@gold/token/build/Gold.json", {"abi": ABI})
    below = tmp_path / "apps/api"
    below.mkdir(parents=True)
    assert names(below, "@gold/token") == ["Gold"]
    with pytest.raises(InputError, match="npm install @gold/other"):
        read_contracts(["@gold/other"], below)


def test_the_same_contract_twice_is_one_and_others_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "a/Gold.json", {"contractName": "Gold", "sourceName": "a/Gold.sol", "abi": ABI})
    write(tmp_path / "b/Gold.json", {"contractName": "Gold", "sourceName": "b/Gold.sol", "abi": list(reversed(ABI))})
    assert names(tmp_path, ".") == ["Gold"]
    write(
        tmp_path / "c/Gold.json", {"contractName": "Gold", "sourceName": "c/Gold.sol", "abi": [transfer("a", "b", "c")]}
    )
    read = read_contracts(["."], tmp_path)
    assert [c.name for c in read.contracts] == ["Gold (a/Gold.sol)", "Gold (c/Gold.sol)"]
    assert read.notes == ("different contracts of one name, told apart by their files: Gold",)


def test_an_abi_without_events_is_noted(tmp_path: Path) -> None:
    write(tmp_path / "Math.json", [{"type": "function", "name": "max", "inputs": [], "outputs": []}])
    read = read_contracts(["Math.json"], tmp_path)
    assert read.notes == ("1 of 1 contracts have no events, so nothing to store: Math",)


def test_anonymous_events_and_parameters_without_names(tmp_path: Path) -> None:
    inputs = [{"type": "uint"}, {"type": "byte[2][]", "name": ""}]
    (read,) = event(tmp_path, {"type": "event", "name": "Log", "anonymous": True, "inputs": inputs}).events
    assert (
        read.anonymous
        and read.signature == "Log(uint256,bytes1[2][])"
        and [p.name for p in read.parameters] == ["", ""]
    )


def test_tuples_enums_and_structs(tmp_path: Path) -> None:
    components = [
        {"name": "maker", "type": "address"},
        {"name": "state", "type": "uint8", "internalType": "enum Gold.State"},
    ]
    entry = {"name": "orders", "type": "tuple[2]", "internalType": "struct Gold.Order[2]", "components": components}
    (read,) = event(tmp_path, {"type": "event", "name": "Filled", "inputs": [entry]}).events
    assert read.signature == "Filled((address,uint8)[2])"
    element = read.parameters[0].type.element
    assert element and element.internal == "struct Gold.Order"
    assert element.components[1].type.internal == "enum Gold.State"


@pytest.mark.parametrize(
    ("entry", "mutability"),
    [
        ({"constant": True}, "view"),
        ({"payable": True}, "payable"),
        ({}, "nonpayable"),
        ({"stateMutability": "pure"}, "pure"),
    ],
)
def test_functions_of_old_and_new_compilers(tmp_path: Path, entry: dict[str, object], mutability: str) -> None:
    (function,) = event(
        tmp_path, {"name": "f", "inputs": [], "outputs": [{"name": "", "type": "bool"}], **entry}
    ).functions
    assert (function.signature, function.mutability) == ("f()", mutability)


def test_a_librarys_own_types_leave_a_function_out(tmp_path: Path) -> None:
    write(tmp_path / "A.json", [TRANSFER, {"type": "function", "name": "f", "inputs": [{"type": "Map storage"}]}])
    read = read_contracts(["A.json"], tmp_path)
    assert not read.contracts[0].functions and "'Map storage' is no ABI type" in read.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[\n {"type": "event",}\n]', r"A.json:2: broken JSON at column \d+"),
        ("", "A.json:1: broken JSON at column 1"),
        ("[" * 100_000, "A.json: broken JSON: brackets too deep"),
        ("{}", "holds no ABI"),
        ('"abi"', "holds no ABI"),
        ('["Transfer(address from)"]', "A.json:1: A: 'Transfer.address from.' is no event or function"),
        ('["event Transfer(address from"]', "A.json:1: A: .* a closing bracket is missing"),
        ('["event Transfer(address from to)"]', "A.json:1: A: .* 'from to' is no name"),
        ('["event E(uint256 a; uint7 b)"]', "A.json:1: A: .* cannot be read from '; uint7 b"),
        ('["event E(uint7 b)"]', "A.json: A: 'uint7' is no ABI type"),
        ('["event E(💥)"]', "cannot be read from"),
        ('[{"type": "event"}]', "A.json:1: A: an event has no name"),
        (
            '[\n{"type":"event","name":"E","inputs":[{"name":"x",\n"type":"uint257"}]}]',
            "A.json:3: A: event E, parameter 1 .x.: 'uint257'",
        ),
        ('[{"type":"event","name":"E","inputs":[{"name":"x"}]}]', "event E, parameter 1 has no type"),
        ('[{"type":"event","name":"E","inputs":[{"name":"x","type":"tuple"}]}]', "a tuple without components"),
        ('[{"type":"event","name":"E","inputs":{}}]', "event E: inputs is no list"),
        ('[{"type":"event","name":"E","inputs":["uint256"]}]', "parameter 1 is 'uint256', not an object"),
        ('[{"type":"evnet","name":"E"}]', "an entry of type 'evnet'"),
    ],
)
def test_bad_files_give_one_clear_error(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path / "A.json", content)
    with pytest.raises(InputError, match=message):
        read_contracts(["A.json"], tmp_path)


def test_a_broken_artifact_in_a_folder_is_an_error_too(tmp_path: Path) -> None:
    write(tmp_path / "out/A.json", '{"abi": [')
    with pytest.raises(InputError, match=r"out/A.json:1: broken JSON"):
        read_contracts(["out"], tmp_path)


@pytest.mark.parametrize("source", ["missing.json", "empty", "no/such/place"])
def test_nothing_there(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no ABI in this folder|no such file"):
        read_contracts([source], tmp_path)


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "A.json").write_bytes(b"\xff\xfe[")
    with pytest.raises(InputError, match="not UTF-8"):
        read_contracts(["A.json"], tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "uint7",
        "uint264",
        "int0",
        "bytes33",
        "bytes0",
        "address20",
        "bool8",
        "string[",
        "fixed8",
        "",
        "enum X",
        "uint8x2",
        "uint256[]]",
    ],
)
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(NoAbi):
        read_type(text)


@given(types.filter(lambda t: "(" not in t.canonical))
def test_types_are_read_as_they_are_written(of: Any) -> None:
    assert read_type(of.canonical) == of


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from(["event", "function", "uint256", "tuple", "", "[]", "x"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["abi", "type", "name", "inputs", "components", "contracts", "output", "result", "metadata"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_json_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, held: object) -> None:
    folder = tmp_path_factory.getbasetemp()
    write(folder / "fuzz.json", held)
    with contextlib.suppress(PgassayError):
        read_contracts(["fuzz.json"], folder)
