from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.shared_arrays import ALIGNMENT, Block

VALUE = {
    "a": (np.arange(6, dtype=np.float32).reshape(2, 3), ["text", None, 3]),
    "b": [np.ones((0, 4)), np.array(["x", "yz"]), np.array(True), np.asfortranarray(np.eye(3))],
    "c": np.arange(20).reshape(4, 5)[::2, ::2],
}


def assert_same(one: Any, two: Any) -> None:
    assert type(one) is type(two)
    if isinstance(one, np.ndarray):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    elif isinstance(one, dict):
        assert one.keys() == two.keys()
        assert_same(list(one.values()), list(two.values()))
    elif isinstance(one, (list, tuple)):
        for left, right in zip(one, two, strict=True):
            assert_same(left, right)
    else:
        assert one == two


def test_what_one_side_writes_the_other_reads() -> None:
    ours = Block()
    theirs = Block(os.dup(ours.descriptor))
    layout = theirs.write(VALUE)
    assert all(start % ALIGNMENT == 0 for start, _ in layout.spans)
    assert_same(ours.copy(layout), VALUE)
    assert_same(ours.read(layout, lambda: None), VALUE)


def test_views_share_memory_and_copies_do_not() -> None:
    block = Block()
    layout = block.write(np.zeros(1000))
    view, copy = block.read(layout, lambda: None), block.copy(layout)
    block.write(np.ones(1000))
    assert view.sum() == 1000
    assert copy.sum() == 0
    view[0] = copy[0] = 5  # both may be written to


def test_the_block_is_given_back_when_the_last_view_is_gone() -> None:
    done: list[int] = []
    block = Block()
    batch = block.read(block.write((np.zeros(5), np.ones(5))), lambda: done.append(1))
    part = batch[1][2:]
    del batch
    gc.collect()
    assert not done
    assert part.tolist() == [1, 1, 1]
    del part
    gc.collect()
    assert done == [1]


def test_what_holds_no_arrays_needs_no_memory() -> None:
    done: list[int] = []
    block = Block()
    assert block.read(block.write(["a", 1]), lambda: done.append(1)) == ["a", 1]
    assert done == [1]
    assert os.fstat(block.descriptor).st_size == 0


def test_a_block_grows_and_old_views_stay() -> None:
    ours = Block()
    theirs = Block(os.dup(ours.descriptor))
    small = ours.read(theirs.write(np.arange(10)), lambda: None)
    layout = theirs.write(np.arange(100_000))
    assert ours.read(layout, lambda: None)[-1] == 99_999
    assert small[:3].tolist() == [0, 1, 2]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_descriptors_are_closed() -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(20):
        block = Block()
        block.read(block.write(np.zeros(100)), lambda: None)
    del block
    gc.collect()
    assert len(set(os.listdir("/proc/self/fd")) - before) == 0


def test_a_private_object_shares_memory_until_it_is_written_to() -> None:
    block = Block()
    layout = block.write({"x": np.arange(1000)})
    one, two = block.private(layout), Block(os.dup(block.descriptor)).private(layout)
    one["x"][0] = 7
    assert (one["x"][0], two["x"][0], block.copy(layout)["x"][0]) == (7, 0, 0)
    assert Block().private(block.write("text")) == "text"
