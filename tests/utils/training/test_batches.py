from __future__ import annotations

from collections import namedtuple
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.training.batches import as_loader, count_samples, split, spread, to_context

Pair = namedtuple("Pair", "data labels")


def test_arrays_go_to_the_device_in_their_form_and_type() -> None:
    batch = Pair(
        (np.zeros((2, 3)), np.zeros(2, "int32")),
        {"boxes": [np.zeros((1, 4), "float32"), mx.nd.zeros((3, 4))], "names": ["a", "b"]},
    )
    moved = to_context(batch, mx.cpu())
    assert isinstance(moved, Pair)
    data, labels = moved
    assert [array.dtype for array in data] == [np.float32, np.int32]
    assert [array.shape for array in labels["boxes"]] == [(1, 4), (3, 4)]
    assert all(isinstance(array, mx.nd.NDArray) for array in (*data, *labels["boxes"]))
    assert labels["names"] == ["a", "b"]


def test_a_batch_is_cut_sample_by_sample() -> None:
    samples = np.arange(5)
    batch = (samples, {"boxes": [np.full((i, 4), i) for i in range(5)], "weight": samples * 2})
    first, second = split(batch, 2)
    assert first[0].tolist() == [0, 1]
    assert second[0].tolist() == [2, 3, 4]
    assert [len(boxes) for boxes in second[1]["boxes"]] == [2, 3, 4]
    assert first[1]["weight"].tolist() == [0, 2]


def test_an_outermost_list_holds_fields() -> None:
    parts = split([np.arange(4), np.arange(4)], 2)
    assert [[field.tolist() for field in part] for part in parts] == [[[0, 1]] * 2, [[2, 3]] * 2]


def test_one_device_takes_all() -> None:
    batch = object()
    assert split(batch, 1) == [batch]


def test_parts_lie_on_their_devices() -> None:
    parts = spread((np.arange(4.0),), [mx.cpu(0), mx.cpu(1)])
    assert [part[0].context for part in parts] == [mx.cpu(0), mx.cpu(1)]
    fewer = spread((np.arange(1.0),), [mx.cpu(0), mx.cpu(1)], fewer=True)
    assert [part[0].shape for part in fewer] == [(1,)]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((np.zeros(1),), "a batch of 1 samples cannot be split over 2 devices"),
        ((np.zeros(4), np.zeros(3)), r"\[3, 4\] samples, not equally many"),
    ],
)
def test_what_cannot_be_split_is_refused(batch: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(batch, 2)


@pytest.mark.parametrize(
    ("batch", "count"),
    [((np.zeros((5, 2)), 1), 5), ({"a": mx.nd.zeros(3)}, 3), ("text", 0), (([1, 2], 3), 2)],
)
def test_samples_are_counted_by_the_first_field(batch: Any, count: int) -> None:
    assert count_samples(batch) == count


def test_a_list_of_batches_is_a_loader() -> None:
    loader = as_loader(["a", "b", "c"])
    assert len(loader) == 3
    assert list(loader.batches(5, start=1)) == ["b", "c"]


def test_a_loader_stays_itself(kit: Any) -> None:
    loader = kit.Batches()
    assert as_loader(loader) is loader


def test_no_loader_without_batches() -> None:
    with pytest.raises(ValueError, match="no batches: its data set is empty, or smaller than one"):
        as_loader([])
    with pytest.raises(TypeError, match="generator has no length"):
        as_loader(batch for batch in "ab")
