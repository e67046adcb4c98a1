"""PyTorch checkpoints (``.pth .pt .th .bin .tar``), zip files of 1.6 and later or older streams.

Keys stay as they are saved, ``module.`` of a parallel model included. Nested mappings and lists
become dotted keys; a mapping with one of ``WRAPPERS`` stands for that entry alone, whatever lies
beside it (optimizer states, say). What is no tensor (epochs, settings, random states of Python)
is left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from toolkit.utils.checkpoints.archive import BEGINNINGS, Archive
from toolkit.utils.checkpoints.elements import ELEMENTS
from toolkit.utils.checkpoints.pickled_numpy import NumpyArray
from toolkit.utils.checkpoints.source import CheckpointError, Cursor, Source, brief
from toolkit.utils.checkpoints.tensors import NAMES, Storage, Tensor, storage_of, to_array
from toolkit.utils.checkpoints.unpickler import Machine

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
NODES = (Tensor, NumpyArray, dict, list, tuple)
MAX_DEPTH = 40
MAX_VALUES = 300_000  # a few bytes of pickle can nest a mapping into itself without end
logger = logging.getLogger(__name__)


class Blocks:
    """The numbers of each storage, made once from the bytes that ``read`` gives for its key."""

    def __init__(self, source: Source, read: Callable[[str], np.ndarray], order: str = "<") -> None:
        self.source = source
        self.read = read
        self.order = order
        self._made: dict[tuple[str, str], np.ndarray] = {}

    def __getitem__(self, storage: Storage) -> np.ndarray:
        key = storage.key, storage.element
        if key not in self._made:
            raw, what = self.read(storage.key), f"storage {storage.key!r}"
            element = ELEMENTS[storage.element]
            self._made[key] = self.source.numbers(raw, element, what, self.order)
        return self._made[key]


def read_torch(source: Source) -> dict[str, np.ndarray]:
    """Reads all tensors of a checkpoint; nothing that the file names is ever imported or run."""
    is_zip = source.data[:4].tobytes() in BEGINNINGS
    tree, blocks = _read_zip(source) if is_zip else _read_stream(source)
    return _arrays(source, tree, blocks)


def _read_zip(source: Source) -> tuple[Any, Blocks]:
    archive = Archive(source)
    pickles = [name for name in archive.names if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise source.error(f"{len(pickles)} members named data.pkl instead of one")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in archive.names:
        raise source.error("it is a TorchScript program; save the module's state_dict() instead")
    order = {"little": "<", "big": ">"}.get(_marker(archive, f"{root}byteorder"))
    if order is None:
        raise source.error(f"the byte order in {root}byteorder is neither little nor big")

    def error(message: str, offset: int) -> CheckpointError:
        return source.error(f"{message}, byte {offset} of member {pickles[0]!r}")

    program = archive.read(pickles[0]).data
    tree = Machine(program, 0, NAMES, storage_of, error).run()
    return tree, Blocks(source, lambda key: archive.read(f"{root}data/{key}"), order)


def _marker(archive: Archive, name: str) -> str:
    return archive.read(name).tobytes().decode("latin-1") if name in archive.names else "little"


def _read_stream(source: Source) -> tuple[Any, Blocks]:
    """Magic, version, machine, the object and the storages' keys are a pickle each, then data.

    Numbers are little-endian whatever the machine part says: torch converts them as it writes.
    """
    machine = Machine(source.view, 0, {}, _no_identity, source.error)
    if machine.run() != LEGACY_MAGIC:
        raise source.error("it is a pickle, but not one of PyTorch", 0)
    if (version := machine.run()) != LEGACY_VERSION:
        raise source.error(f"version {brief(version)} instead of {LEGACY_VERSION}", 15)
    machine.run()
    kinds: dict[str, str] = {}

    def storage(identity: Any) -> Storage:
        found = storage_of(identity)
        kinds.setdefault(found.key, found.element)
        return found

    machine = Machine(source.view, machine.offset, NAMES, storage, source.error)
    tree = machine.run()
    keys = machine.run()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise source.error("the list of its storages is missing", machine.offset)
    blocks = _stream_blocks(source, machine.offset, keys, kinds)
    return tree, Blocks(source, lambda key: _found(source, blocks, key))


def _stream_blocks(
    source: Source, offset: int, keys: list[str], kinds: dict[str, str]
) -> dict[str, np.ndarray]:
    """The storages' bytes: a count of elements and those elements, in the order of ``keys``."""
    cursor = Cursor(source, offset)
    blocks: dict[str, np.ndarray] = {}
    for key in keys:
        what = f"storage {brief(key)}"
        if key not in kinds or key in blocks:
            raise source.error(f"{what} belongs to no tensor or comes twice", cursor.offset)
        count = cursor.field("q", f"the size of {what}")
        blocks[key] = cursor.take(count * ELEMENTS[kinds[key]].size, what)
    return blocks


def _found(source: Source, blocks: dict[str, np.ndarray], key: str) -> np.ndarray:
    if key not in blocks:
        raise source.error(f"storage {brief(key)} is missing")
    return blocks[key]


def _no_identity(identity: Any) -> Any:
    raise ValueError(f"has a persistent id, {brief(identity)}, where none can be")


def _arrays(source: Source, tree: Any, blocks: Blocks) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for key, value in _leaves(source, _unwrapped(tree)):
        if key in arrays:
            raise source.error(f"two tensors are named {brief(key)}")
        if isinstance(value, Tensor):
            arrays[key] = to_array(source, value, f"tensor {brief(key)}", blocks[value.storage])
        elif value.array is not None:
            arrays[key] = value.array
    if not arrays and tree not in ({}, [], ()):
        found = f"a mapping of {brief(list(tree))}" if isinstance(tree, dict) else brief(tree)
        raise source.error(f"no tensors in it, only {found}")
    return arrays


def _unwrapped(tree: Any) -> Any:
    for _ in range(MAX_DEPTH):
        wrapper = next((name for name in WRAPPERS if _wraps(tree, name)), None)
        if wrapper is None:
            break
        logger.debug("read is %r alone, out of %s", wrapper, brief(list(tree)))
        tree = tree[wrapper]
    return tree


def _wraps(tree: Any, name: str) -> bool:
    inner = tree.get(name) if isinstance(tree, dict) else None
    return isinstance(inner, dict) and any(isinstance(item, NODES) for item in inner.values())


def _leaves(source: Source, tree: Any) -> Iterator[tuple[str, Tensor | NumpyArray]]:
    """Tensors and arrays with their dotted keys, in the order of the file."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    visited = 0
    while waiting:
        path, value = waiting.pop()
        visited += 1
        if visited + len(waiting) > MAX_VALUES or len(path) > MAX_DEPTH:
            raise source.error(f"its values nest without end, at {brief('.'.join(path))}")
        if isinstance(value, Tensor | NumpyArray):
            yield ".".join(path) or "0", value
        elif isinstance(value, dict | list | tuple):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            inner = [((*path, _text(key)), item) for key, item in pairs if isinstance(item, NODES)]
            waiting += reversed(inner)


def _text(key: Any) -> str:
    return key if isinstance(key, str) else brief(key)
