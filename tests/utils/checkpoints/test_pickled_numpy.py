from __future__ import annotations

import pickle
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError
from toolkit.utils.checkpoints.pickled_numpy import NumpyArray, NumpyType

Read = Callable[..., dict[str, np.ndarray]]


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "|u1", "<i8", "|b1", "<c8", "<f2"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_among_the_tensors_are_read(
    dtype: str, shape: tuple[int, ...], protocol: int, files: SimpleNamespace, read: Read
) -> None:
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    tree = {"w": values, "turned": values.T, "score": np.float64(0.5), "type": values.dtype}
    data = files.torch_zip(dict, program=pickle.dumps(tree, protocol))
    arrays = read(data)
    assert list(arrays) == ["w", "turned"]
    assert arrays["w"].dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(arrays["w"], values)
    np.testing.assert_array_equal(arrays["turned"], values.T)


@pytest.mark.parametrize(
    "values", [np.array([{}], object), np.array(["text"]), np.zeros(2, [("a", "f4")])]
)
def test_arrays_of_other_things_are_refused(
    values: np.ndarray, files: SimpleNamespace, read: Read
) -> None:
    with pytest.raises(CheckpointError, match="NumPy data of type"):
        read(files.torch_zip(dict, program=pickle.dumps({"w": values}, 2)))


@pytest.mark.parametrize(
    "state",
    [
        (1, (2,), NumpyType("f4"), False, b"1234567"),
        (1, (1 << 62, 1 << 62), NumpyType("f4"), False, b"1234567"),
        (1, [2], NumpyType("f4"), False, b"12345678"),
        (1, (-2, -1), NumpyType("f4"), False, b"12345678"),
        (1, (2.0,), NumpyType("f4"), False, b"12345678"),
        (1, (1,) * 40, NumpyType("f4"), False, b"1234"),
        (1, (2,), "f4", False, b"12345678"),
        (1, (2,), NumpyType("f4"), False, None),
        (1, (1,), NumpyType("f3"), False, b"123"),
        (1, (2,)),
        7,
    ],
)
def test_wrong_states_are_refused(state: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        NumpyArray().set_state(state)


def test_bytes_of_python_2_come_as_text() -> None:
    array = NumpyArray()
    array.set_state((1, (1,), NumpyType("u2"), False, "\xff\x01"))
    assert array.array is not None
    assert array.array.tolist() == [0x1FF]


@pytest.mark.parametrize("code", [None, 7, ("a", "f4")])
def test_wrong_types_are_refused(code: object) -> None:
    with pytest.raises(ValueError, match="the type is"):
        NumpyType(code)
