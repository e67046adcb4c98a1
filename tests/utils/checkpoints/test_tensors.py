from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError
from toolkit.utils.checkpoints.source import Source
from toolkit.utils.checkpoints.tensors import (
    NAMES,
    NumberType,
    Storage,
    StorageType,
    Tensor,
    storage_of,
    to_array,
)
from toolkit.utils.checkpoints.unpickler import Builder, Inert

FLOAT = StorageType("float32")
BLOCK = np.arange(24, dtype=np.float32)
Make = Callable[[bytes], Source]


def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    return Tensor(Storage("0", "float32", len(BLOCK)), offset, shape, strides)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (4, 6), (6, 1)),
        (0, (6, 4), (1, 6)),
        (5, (), ()),
        (2, (3, 2), (6, 2)),
        (23, (1, 1), (1 << 61, 1 << 61)),
        (3, (4, 5), (0, 1)),
        (0, (10, 5), (2, 1)),
        (99, (0, 3), (7, 1)),
    ],
)
def test_strided_views(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], source: Make
) -> None:
    array = to_array(source(b""), tensor(offset, shape, strides), "w", BLOCK)
    assert array.shape == shape
    assert array.flags.c_contiguous
    for place in np.ndindex(*shape):
        assert array[place] == offset + np.dot(place, strides)


@pytest.mark.parametrize(
    ("offset", "shape", "strides", "message"),
    [
        (0, (25,), (1,), "ends at number 24 of 24 in storage '0'"),
        (24, (), (), "ends at number 24 of 24"),
        (0, (2, 2), (1, 23), "ends at number 24"),
        (0, (2,), (1 << 60,), "ends at number"),
        (0, (1 << 30, 1 << 29), (0, 0), "impossible shape"),
        (0, (1 << 40,), (0,), "far beyond"),
        (0, (1,) * 33, (1,) * 33, "impossible shape"),
    ],
)
def test_views_beyond_the_storage(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], message: str, source: Make
) -> None:
    with pytest.raises(CheckpointError, match=message):
        to_array(source(b""), tensor(offset, shape, strides), "w", BLOCK)


def test_a_storage_that_is_too_short(source: Make) -> None:
    with pytest.raises(CheckpointError, match="w needs 24 numbers of storage '0'"):
        to_array(source(b""), tensor(0, (2,), (1,)), "w", BLOCK[:20])


def test_a_part_of_a_storage(source: Make) -> None:
    part = Tensor(Storage("0", "float32", 4, offset=10), 1, (3,), (1,))
    assert to_array(source(b""), part, "w", BLOCK).tolist() == [11, 12, 13]
    beyond = Tensor(Storage("0", "float32", 4, offset=10), 2, (3,), (1,))
    with pytest.raises(CheckpointError, match="ends at number 4 of 4"):
        to_array(source(b""), beyond, "w", BLOCK)


@pytest.mark.parametrize(
    ("identity", "storage"),
    [
        (("storage", FLOAT, "7", "cuda:0", 5), Storage("7", "float32", 5)),
        (("storage", FLOAT, "7", "cpu", 5, None), Storage("7", "float32", 5)),
        (("storage", FLOAT, "7", "cpu", 5, ("8", 1, 2)), Storage("7", "float32", 2, 1)),
    ],
)
def test_identities_of_storages(identity: tuple, storage: Storage) -> None:
    assert storage_of(identity) == storage


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ("storage", "unknown persistent id"),
        ((), "unpack"),
        (("storage",), "unknown persistent id"),
        (("storage", "FloatStorage", "7", "cpu", 5), "unknown persistent id"),
        (("storage", FLOAT, 7, "cpu", 5), "unknown persistent id"),
        (("storage", FLOAT, "7", "cpu", -5), "unknown persistent id"),
        (("storage", FLOAT, "7", "cpu", 5.0), "unknown persistent id"),
        (("storage", FLOAT, "7", "cpu", 1 << 62), "unknown persistent id"),
        (("storage", FLOAT, "7", "cpu", 5, ("8", -1, 2)), "unknown storage view"),
        (("module", object, "net.py", "source"), r"a whole module: save its state_dict\(\)"),
    ],
)
def test_wrong_identities(identity: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        storage_of(identity)


def build(path: str, *arguments: Any) -> Any:
    module, _, name = path.rpartition(".")
    return NAMES[module, name].build(*arguments)


STORAGE = Storage("0", "float32", 6)
REBUILD = "torch._utils._rebuild_tensor"


def test_every_way_to_rebuild_a_tensor() -> None:
    expected = Tensor(STORAGE, 1, (2,), (1,))
    fields = (STORAGE, 1, (2,), (1,))
    assert build(REBUILD, *fields) == expected
    assert build(f"{REBUILD}_v2", *fields, False, {}) == expected
    assert build("torch._utils._rebuild_parameter", expected, True, {}) is expected
    assert build("torch._utils._rebuild_parameter_with_state", expected, True, {}, {}) is expected
    typed = (NAMES["torch._utils", "_rebuild_tensor_v2"], None, (*fields, False, {}), {})
    assert build("torch._tensor._rebuild_from_type_v2", *typed) == expected


def test_untyped_storages_take_the_type_of_the_tensor() -> None:
    block = Storage("0", "uint8", 24)
    fields = (block, 1, (2,), (1,), False, {})
    kind = NAMES["torch", "bfloat16"]
    assert build(f"{REBUILD}_v3", *fields, kind) == Tensor(
        Storage("0", "bfloat16", 12), 1, (2,), (1,)
    )
    with pytest.raises(ValueError, match="dtype"):
        build(f"{REBUILD}_v3", *fields, "float32")


@pytest.mark.parametrize(
    "arguments",
    [
        ("storage", 0, (2,), (1,)),
        (STORAGE, -1, (2,), (1,)),
        (STORAGE, 0, (2,), (-1,)),
        (STORAGE, 0, (2, 3), (1,)),
        (STORAGE, 0, (2.0,), (1,)),
        (STORAGE, 0, (True,), (1,)),
        (STORAGE, 0, 2, 1),
        (STORAGE, 0, (1 << 70,), (1,)),
    ],
)
def test_wrong_tensors(arguments: tuple) -> None:
    with pytest.raises(ValueError, match=r"needed|sizes but"):
        build(REBUILD, *arguments)


def test_marked_tensors_are_refused() -> None:
    with pytest.raises(ValueError, match="conj"):
        build(f"{REBUILD}_v2", STORAGE, 0, (2,), (1,), False, {}, {"conj": True})


@pytest.mark.parametrize("rebuild", [print, NAMES["collections", "OrderedDict"], "x"])
def test_only_tensors_are_rebuilt_from_a_type(rebuild: Any) -> None:
    with pytest.raises(ValueError, match="rebuilt by"):
        build("torch._tensor._rebuild_from_type_v2", rebuild, None, (), {})


def test_nothing_of_the_table_is_the_thing_of_that_name() -> None:
    assert len(NAMES) > 50
    for value in NAMES.values():
        assert isinstance(value, Builder | StorageType | NumberType)
        if isinstance(value, Builder):
            assert value.build.__module__.startswith("toolkit.")


@pytest.mark.parametrize("path", ["argparse.Namespace", "torch.device", "builtins.set"])
def test_settings_are_inert(path: str) -> None:
    assert isinstance(build(path, "cuda", 0), Inert)
