from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolkit.data.batchify import Append, Dict, List, Pad, Stack, StackFields, Tuple


def test_stack() -> None:
    batch = Stack()([np.ones((2, 3), np.uint8), np.zeros((2, 3), np.uint8)])
    assert (batch.shape, batch.dtype) == ((2, 2, 3), np.uint8)
    assert batch[:, 0, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("samples", "dtype", "expected"),
    [
        ([1.0, 2.5], None, np.float32),
        ([1, 2], None, np.int64),
        ([np.float64(1), np.float64(2)], None, np.float64),
        ([1, 2], "float16", np.float16),
        ([[1, 2], [3, 4]], np.int32, np.int32),
    ],
)
def test_dtypes(samples: list[Any], dtype: Any, expected: type) -> None:
    assert Stack(dtype)(samples).dtype == expected
    if np.ndim(samples) > 1:
        assert np.asarray(Pad(dtype=dtype)(samples)).dtype == expected


def test_stack_names_the_shapes() -> None:
    ragged = [np.zeros((i % 7 + 1, 3)) for i in range(20)]
    with pytest.raises(ValueError, match=r"\(1, 3\), \(2, 3\),.* and 2 more; Pad makes them"):
        Stack()(ragged)


def test_pad_one_axis() -> None:
    batch, lengths = Pad(value=-1, ret_length=True)([[1, 2, 3], [4], []])
    assert batch.tolist() == [[1, 2, 3], [4, -1, -1], [-1, -1, -1]]
    assert (lengths.dtype, lengths.tolist()) == (np.int32, [3, 1, 0])


@pytest.mark.parametrize("axis", [1, -1])
def test_pad_another_axis(axis: int) -> None:
    batch = Pad(axis=axis)([np.ones((2, 1)), np.ones((2, 3))])
    assert isinstance(batch, np.ndarray)
    assert batch.tolist() == [[[1, 0, 0], [1, 0, 0]], [[1, 1, 1], [1, 1, 1]]]


def test_pad_several_axes() -> None:
    images = [np.ones((2, 5, 3), np.uint8), np.ones((4, 1, 3), np.uint8)]
    batch, lengths = Pad(axis=(0, 1), ret_length=True)(images)
    assert (batch.shape, batch.dtype) == ((2, 4, 5, 3), np.uint8)
    assert batch.sum(axis=(1, 2, 3)).tolist() == [30, 12]
    assert lengths.tolist() == [[2, 5], [4, 1]]


@pytest.mark.parametrize(
    ("samples", "axis"),
    [
        ([np.zeros((2, 3)), np.zeros((2, 4))], 0),
        ([np.zeros(2), np.zeros((2, 2))], 0),
        ([np.zeros(2), np.zeros(2)], 1),
        ([1, 2], 0),
    ],
)
def test_pad_names_the_shapes(samples: list[Any], axis: int) -> None:
    shape = r"\(.*\)"
    with pytest.raises(ValueError, match=f"cannot pad .*{axis}.*|cannot pad .*shapes {shape}"):
        Pad(axis=axis)(samples)


def test_tuple_applies_one_to_each_field() -> None:
    batchify = Tuple(Stack(), Pad(ret_length=True), List())
    images, (tokens, lengths), names = batchify([(1.5, [1], "a"), (2.5, [1, 2], "b")])
    assert images.tolist() == [1.5, 2.5]
    assert tokens.tolist() == [[1, 0], [1, 2]]
    assert lengths.tolist() == [1, 2]
    assert names == ["a", "b"]


def test_tuple_counts_the_fields() -> None:
    with pytest.raises(ValueError, match="sample 1 has 3 fields, Tuple has 2 functions"):
        Tuple(Stack(), Stack())([(1, 2), (1, 2, 3)])
    with pytest.raises(ValueError, match="sample 0 has no tuple"):
        Tuple(Stack(), Stack())([np.zeros(2)])


@pytest.mark.parametrize("batchify", [Stack(), Pad()])
def test_an_empty_batch_is_refused(batchify: Stack | Pad) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        batchify([])


def test_arrays_of_mxnet_come_in() -> None:
    mx = pytest.importorskip("mxnet")
    batch = Stack()([mx.nd.ones(2), mx.nd.zeros(2)])
    assert isinstance(batch, np.ndarray)
    assert batch.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_with_it(workers: int) -> None:
    data = pytest.importorskip("mxnet").gluon.data
    samples = data.SimpleDataset([([1.0] * (i + 1), i) for i in range(4)])
    batchify = Tuple(Pad(ret_length=True), Stack())
    loader = data.DataLoader(samples, 2, batchify_fn=batchify, num_workers=workers, timeout=60)
    batches = list(loader)
    assert [batch[0][1].tolist() for batch in batches] == [[1, 2], [3, 4]]
    assert batches[1][0][0].shape == (2, 4)


def test_pad_rounds_the_length_up() -> None:
    batch, lengths = Pad(round_to=4, ret_length=True)([[1, 2, 3, 4, 5], [6]])
    assert batch.shape == (2, 8)
    assert lengths.tolist() == [5, 1]
    assert np.shape(Pad(round_to=4)([[1, 2, 3, 4]])) == (1, 4)
    images = [np.ones((30, 33, 3)), np.ones((32, 10, 3))]
    assert np.shape(Pad(axis=(0, 1), round_to=32)(images)) == (2, 32, 64, 3)
    with pytest.raises(ValueError, match="round_to 0"):
        Pad(round_to=0)


@pytest.mark.parametrize("batchify", [Stack(), Pad(), Append()])
def test_a_ragged_sample_is_named(batchify: Any) -> None:
    with pytest.raises(ValueError, match="a sample is no array: list of 2 parts"):
        batchify([[[1, 2], [3]]])


def test_dict_applies_one_to_each_name() -> None:
    batchify = Dict({"tokens": Pad(), "name": List()})
    batch = batchify([{"tokens": [1], "name": "a", "more": 0}, {"tokens": [1, 2], "name": "b"}])
    assert list(batch) == ["tokens", "name"]
    assert batch["tokens"].tolist() == [[1, 0], [1, 2]]
    assert batch["name"] == ["a", "b"]
    with pytest.raises(ValueError, match="sample 1 has no field 'name'; it has 'tokens'"):
        batchify([{"tokens": [1], "name": "a"}, {"tokens": [1]}])
    with pytest.raises(ValueError, match="sample 0 is no mapping but tuple"):
        batchify([(1, 2)])


def test_append_leaves_shapes_alone() -> None:
    samples = [np.zeros((2, 3)), np.zeros((4, 1))]
    assert [a.shape for a in Append()(samples)] == [(1, 2, 3), (1, 4, 1)]
    assert [a.shape for a in Append(batch_axis=1)(samples)] == [(2, 1, 3), (4, 1, 1)]
    assert [a.shape for a in Append(expand=False)(samples)] == [(2, 3), (4, 1)]
    assert Append(dtype=np.int8)([1])[0].dtype == np.int8


def test_stack_fields_follows_the_structure() -> None:
    samples = [(np.full(2, i), {"x": i, "y": [i, float(i)]}) for i in range(3)]
    first, fields = StackFields()(samples)
    assert first.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert fields["x"].tolist() == [0, 1, 2]
    assert isinstance(fields["y"], tuple)
    assert fields["y"][1].dtype == np.float32
    assert StackFields()([1, 2]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="sample 1 has 1 fields"):
        StackFields()([(1, 2), (1,)])
    with pytest.raises(ValueError, match="at least one sample"):
        StackFields()([])
