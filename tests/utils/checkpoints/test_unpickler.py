from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from toolkit.utils.checkpoints import CheckpointError
from toolkit.utils.checkpoints.unpickler import Builder, Inert, Machine, mapping

PLAIN = {
    "constants": [None, True, False],
    "integers": [0, 255, 256, 65535, 65536, -1, -(1 << 31), 1 << 31, -(1 << 80), 1 << 3000],
    "floats": [0.5, -1e300, float("inf")],
    "texts": ["", "a", "ü€", "x" * 70000, "\ud800"],
    "bytes": [b"", b"\x00\xff", b"y" * 70000, bytearray(b"z" * 9)],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "nested": {1: {"a": [[], {}, ()]}, 2.5: None, None: 1, False: 2, b"k": 3},
    "long": list(range(3000)),
    "many": {str(index): index for index in range(3000)},
}


def run(data: bytes, names: dict[tuple[str, str], Any] | None = None, offset: int = 0) -> Any:
    def error(message: str, at: int) -> CheckpointError:
        return CheckpointError(f"{message} (at {at})")

    def persistent(identity: Any) -> Any:
        return ("persistent", identity)

    machine = Machine(memoryview(data), offset, names or {}, persistent, error)
    value = machine.run()
    assert machine.offset <= len(data)
    return value


CODECS = {("_codecs", "encode"): Builder("encode", lambda text, _: text.encode("latin-1"))}
for module in ("builtins", "__builtin__"):
    CODECS[module, "bytes"] = Builder("bytes", lambda: b"")
    CODECS[module, "bytearray"] = Builder("bytearray", lambda data, _=None: data)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", sorted(PLAIN))
def test_plain_data_comes_back(name: str, protocol: int) -> None:
    assert run(pickle.dumps(PLAIN[name], protocol), CODECS) == PLAIN[name]


def test_shared_and_cyclic_values_stay_shared() -> None:
    inner: list[Any] = []
    value = {"a": inner, "b": inner}
    inner.append(value)
    found = run(pickle.dumps(value, 2))
    assert found["a"] is found["b"]
    assert found["a"][0] is found


def test_several_pickles_follow_one_another() -> None:
    first = pickle.dumps([1], 2)
    assert run(first + pickle.dumps("two", 2), offset=len(first)) == "two"


def test_strings_of_python_2() -> None:
    assert run(b"\x80\x02}(U\x01kT\x02\x00\x00\x00\xe9au.") == {"k": "éa"}


def test_persistent_ids_go_through_the_function() -> None:
    assert run(b"\x80\x02(X\x01\x00\x00\x00sK\x01tQ.") == ("persistent", ("s", 1))


def test_sets_and_the_state_of_mappings_are_dropped() -> None:
    assert isinstance(run(pickle.dumps({1, 2}, 4)), Inert)
    assert isinstance(run(pickle.dumps(frozenset({1, 2}), 4)), Inert)
    ordered = OrderedDict(a=1)
    ordered.metadata = 2  # type: ignore[attr-defined]
    names = {("collections", "OrderedDict"): Builder("OrderedDict", lambda: {})}
    assert run(pickle.dumps(ordered, 2), names) == {"a": 1}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02cos\nsystem\n.", r"refers to 'os\.system', which is refused and was not run"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", r"'os\.system', which is refused"),
        (
            b"\x80\x04\x8c\x02ok\x8c\x10call.__globals__\x93.",
            r"ok\.call\.__globals__', which is refused",
        ),
        (b"\x80\x04\x8c\x02okK\x01\x93.", "a name that is not text"),
        (b"\x80\x02(X\x04\x00\x00\x00trueios\nsystem\n.", "instruction INST"),
        (b"\x80\x02(cok\ncall\no.", "instruction OBJ"),
        (b"\x80\x02\x82\x01.", "instruction EXT1"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "instruction EXT4"),
        (b"\x80\x02cok\ncall\n)}\x92.", "instruction NEWOBJ_EX"),
        (b"\x80\x02Pname\n.", "instruction PERSID"),
        (b"\x80\x02I1\n.", "instruction INT"),
        (b"\x80\x02\x97.", "instruction NEXT_BUFFER"),
        (b"\x80\x02\xff.", "instruction b'"),
        (b"\x80\x01.", "protocol 1; 2 to 5 are read"),
        (b"\x80\x06.", "protocol 6"),
        (b"\x80\x02X\x01\x00\x00\x00a)R.", "it calls 'a', which is refused"),
        (b"\x80\x02cok\ncall\nK\x01R.", "it calls"),
        (b"\x80\x02cok\ncall\nK\x01\x85R.", "arguments that it does not take"),
        (b"\x80\x02cok\ncall\n}X\x05\x00\x00\x00buildK\x01sb.", "sets the state of"),
        (b"\x80\x02]}b.", "sets the state of"),
        (b"\x80\x02]K\x01K\x02s.", "sets items of"),
        (b"\x80\x02}K\x01a.", "appends to"),
        (b"\x80\x02})K\x01s.", "a key of type tuple"),
        (b"\x80\x02.", "empty"),
        (b"\x80\x02R.", "empty stack"),
        (b"\x80\x02t.", "pop from empty list"),
        (b"\x80\x02h\x05.", "5"),
        (b"\x80\x02q\x05.", "list index"),
        (b"\x80\x02K", "truncated"),
        (b"\x80\x02", "truncated"),
        (b"\x80\x02cos", "truncated"),
        (b"\x80\x04\x8e" + b"\xff" * 8, "truncated"),
        (b"\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\x10", "truncated"),
        (b"\x80\x02T\xff\xff\xff\xffa.", "truncated"),
        (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x10.", "truncated"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "truncated"),
        (b"\x80\x02X\x01\x00\x00\x00\xff.", "utf-8"),
    ],
)
def test_what_is_refused(program: bytes, message: str) -> None:
    names = {("ok", "call"): Builder("ok.call", lambda: 1)}
    with pytest.raises(CheckpointError, match=message):
        run(program, names)


def test_a_large_memo_index_takes_no_memory(frugal: Callable[[], Any]) -> None:
    with frugal():
        assert run(b"\x80\x02K\x07r\xff\xff\xff\xff.") == 7


def test_known_names_are_called() -> None:
    names = {("ok", "call"): Builder("ok.call", lambda *arguments: sum(arguments))}
    assert run(b"\x80\x02cok\ncall\nK\x01K\x02\x86R.", names) == 3
    assert run(b"\x80\x02cok\ncall\n)\x81.", names) == 0


def test_inert_objects_forget_their_state_and_items() -> None:
    names = {("ok", "call"): Builder("ok.call", Inert)}
    found = run(b"\x80\x02cok\ncall\n)R}X\x01\x00\x00\x00aK\x01sbK\x01K\x02s.", names)
    assert isinstance(found, Inert)
    assert not hasattr(found, "a")


def test_deep_keys_are_not_hashed() -> None:
    deep: tuple = ()
    for _ in range(100_000):
        deep = (deep,)
    with pytest.raises(ValueError, match="key of type tuple"):
        mapping([(deep, 1)])
    assert mapping([("a", 1), (2, deep)])["a"] == 1


def test_deep_nesting_is_harmless() -> None:
    depth = 0
    value = run(b"\x80\x02)" + b"\x85" * 100_000 + b".")
    while value:
        (value,) = value
        depth += 1
    assert depth == 100_000
