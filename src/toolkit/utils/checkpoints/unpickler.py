"""A pickle machine that can build plain data and a few named things, and cannot do more.

The pickle format is a program. This is not Python's own unpickler with names taken away: it
knows only the instructions that plain data needs, imports nothing, looks up names in the table
it is given, and calls only what that table marks as callable. Protocols 2 to 5.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.utils.checkpoints.source import CheckpointError, brief

Name = tuple[str, str]
PROTOCOLS = range(2, 6)
KEYS = (str, int, float, bool, bytes, type(None))  # deeper keys could be made to hash for ever
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, struct.error)


@dataclass(frozen=True)
class Builder:
    """Something that a pickle may call: a name of the table and what stands for it here."""

    name: str
    build: Callable[..., Any]


class Inert:
    """An object of a pickle that is neither data nor array; it does nothing and keeps nothing."""

    __slots__ = ()

    def set_state(self, state: Any) -> None:
        """Forgets the state that a pickle gives its objects."""


class Machine:
    """Runs one pickle that lies at ``offset`` in ``data``.

    ``names`` holds what the pickle may refer to, ``persistent`` turns its persistent ids into
    values, ``error`` makes the exception for a message and an offset. After ``run``, ``offset``
    is the byte behind the pickle.
    """

    def __init__(
        self,
        data: memoryview,
        offset: int,
        names: Mapping[Name, Any],
        persistent: Callable[[Any], Any],
        error: Callable[[str, int], CheckpointError],
    ) -> None:
        self.data = data
        self.offset = offset
        self.names = names
        self.persistent = persistent
        self.error = error
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The object that the pickle describes.

        Raises:
            CheckpointError: it is malformed, or asks for what it may not have.
        """
        start = self.offset
        while True:
            at = self.offset
            try:
                code = self.take(1)
                if code == b".":
                    return self.stack.pop()
                if code not in INSTRUCTIONS:
                    raise _Refused(f"it uses the instruction {_spell(code)}, which is refused")
                INSTRUCTIONS[code](self)
            except _Refused as refused:
                raise self.error(f"in its pickle: {refused}", at) from None
            except MALFORMED as error:
                if isinstance(error, CheckpointError):
                    raise
                raise self.error(f"its pickle, begun at byte {start}, {error}", at) from error

    def take(self, length: int) -> bytes:
        """The next bytes of the program."""
        end = self.offset + length
        if length < 0 or end > len(self.data):
            raise ValueError("is truncated")
        raw = self.data[self.offset : end].tobytes()
        self.offset = end
        return raw

    def number(self, layout: str) -> Any:
        """The next number of a ``struct`` layout."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self) -> str:
        """The next line of text."""
        raw = bytearray()
        while (byte := self.take(1)) != b"\n":
            raw += byte
        return raw.decode()

    def since_mark(self) -> list[Any]:
        """Takes what was pushed since the last mark."""
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def pop(self, count: int) -> list[Any]:
        """Takes the last ``count`` values."""
        if len(self.stack) < count:
            raise ValueError("takes from an empty stack")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items


def mapping(pairs: Iterable[Any]) -> dict[Any, Any]:
    """A dict of pairs whose keys are of plain types.

    Raises:
        ValueError: a key is of another type.
    """
    values = {}
    for key, value in pairs:
        if not isinstance(key, KEYS):
            raise ValueError(f"has a key of type {type(key).__name__}")
        values[key] = value
    return values


class _Refused(Exception):
    """What the pickle asks for is understood and not done."""


def _spell(code: bytes) -> str:
    names = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    return names.get(code.decode("latin-1"), repr(code))


def _protocol(machine: Machine) -> None:
    protocol = machine.number("<B")
    if protocol not in PROTOCOLS:
        raise _Refused(f"pickle protocol {protocol}; 2 to 5 are read")


def _frame(machine: Machine) -> None:
    if machine.number("<Q") > len(machine.data) - machine.offset:
        raise ValueError("is truncated")


def _global(machine: Machine) -> None:
    machine.stack.append(_find(machine, machine.line(), machine.line()))


def _stack_global(machine: Machine) -> None:
    module, name = machine.pop(2)
    machine.stack.append(_find(machine, module, name))


def _find(machine: Machine, module: Any, name: Any) -> Any:
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError("has a name that is not text")
    try:
        return machine.names[module, name]
    except KeyError:
        hint = ""
        if module.startswith(("torch.nn.modules", "__torch__")):
            hint = "; it holds a whole module: save its state_dict() instead"
        where = brief(f"{module}.{name}")
        raise _Refused(f"it refers to {where}, which is refused and was not run{hint}") from None


def _call(machine: Machine) -> None:
    function, arguments = machine.pop(2)
    if not isinstance(function, Builder) or not isinstance(arguments, tuple):
        raise _Refused(f"it calls {brief(function)}, which is refused and was not run")
    try:
        machine.stack.append(function.build(*arguments))
    except (TypeError, ValueError) as error:
        raise _Refused(f"{function.name} with arguments that it does not take: {error}") from error


def _set_state(machine: Machine) -> None:
    target, state = machine.pop(2)
    machine.stack.append(target)
    if isinstance(target, Inert):
        target.set_state(state)
    elif type(target) is not dict:  # the state of an OrderedDict (torch's _metadata) is dropped
        raise _Refused(f"it sets the state of {brief(target)}, which is refused")


def _append(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is not list:
        raise ValueError(f"appends to {brief(target)}")
    target.extend(items)


def _store(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, Inert):
        return
    if type(target) is not dict or len(items) % 2:
        raise ValueError(f"sets items of {brief(target)}")
    target.update(mapping(zip(items[::2], items[1::2], strict=True)))


def _frozenset(machine: Machine) -> None:
    machine.since_mark()
    machine.stack.append(Inert())


def _constant(value: Any) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(value)


def _number(layout: str) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(machine.number(layout))


def _long(layout: str) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        raw = machine.take(machine.number(layout))
        machine.stack.append(int.from_bytes(raw, "little", signed=True))

    return run


def _bytes(layout: str, encoding: str | None = None) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        raw = machine.take(machine.number(layout))
        value = raw.decode(encoding, "surrogatepass") if encoding else raw
        machine.stack.append(value)

    return run


def _tuple(count: int) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(tuple(machine.pop(count)))


def _get(layout: str) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(machine.memo[machine.number(layout)])


def _put(layout: str) -> Callable[[Machine], None]:
    return lambda machine: machine.memo.__setitem__(machine.number(layout), machine.stack[-1])


INSTRUCTIONS: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": _protocol,
    b"\x95": _frame,
    b"(": lambda machine: machine.marks.append(len(machine.stack)),
    b"0": lambda machine: machine.stack.__delitem__(-1),
    b"1": lambda machine: machine.since_mark().clear(),
    b"2": lambda machine: machine.stack.append(machine.stack[-1]),
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b"K": _number("<B"),
    b"M": _number("<H"),
    b"J": _number("<i"),
    b"G": _number(">d"),
    b"\x8a": _long("<B"),
    b"\x8b": _long("<i"),
    b"X": _bytes("<I", "utf-8"),
    b"\x8c": _bytes("<B", "utf-8"),
    b"\x8d": _bytes("<Q", "utf-8"),
    b"T": _bytes("<i", "latin-1"),  # strings of Python 2: text and bytes alike
    b"U": _bytes("<B", "latin-1"),
    b"B": _bytes("<I"),
    b"C": _bytes("<B"),
    b"\x8e": _bytes("<Q"),
    b"\x96": _bytes("<Q"),  # a bytearray
    b")": _constant(()),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"t": lambda machine: machine.stack.append(tuple(machine.since_mark())),
    b"]": lambda machine: machine.stack.append([]),
    b"a": lambda machine: _append(machine, machine.pop(1)),
    b"e": lambda machine: _append(machine, machine.since_mark()),
    b"\x8f": lambda machine: machine.stack.append(Inert()),  # a set
    b"\x90": lambda machine: machine.since_mark().clear(),  # its items
    b"\x91": _frozenset,
    b"}": lambda machine: machine.stack.append({}),
    b"s": lambda machine: _store(machine, machine.pop(2)),
    b"u": lambda machine: _store(machine, machine.since_mark()),
    b"h": _get("<B"),
    b"j": _get("<I"),
    b"q": _put("<B"),
    b"r": _put("<I"),
    b"\x94": lambda machine: machine.memo.__setitem__(len(machine.memo), machine.stack[-1]),
    b"c": _global,
    b"\x93": _stack_global,
    b"R": _call,
    b"\x81": _call,  # NEWOBJ: here a class is a thing to call like any other
    b"b": _set_state,
    b"Q": lambda machine: machine.stack.append(machine.persistent(*machine.pop(1))),
}
