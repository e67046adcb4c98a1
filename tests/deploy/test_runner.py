from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.runner import Runner


class Doubles(Runner):
    backend = "numpy"
    errors = (ArithmeticError,)

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        if arrays[0].shape[0] > 4:
            raise ArithmeticError("too many")
        return [2 * array for array in arrays]


@pytest.fixture
def runner() -> Runner:
    inputs = (TensorSpec("x", (None, 2)), TensorSpec("n", (None,), "int32"))
    return Doubles(Manifest("net", inputs, ()))


def test_arrays_take_the_declared_types(runner: Runner) -> None:
    x, n = runner([[1.0, 2.0]], np.array([3.0]))
    assert (x.dtype, n.dtype) == (np.float32, np.int32)
    assert (x.tolist(), n.tolist()) == ([[2, 4]], [6])


def test_arrays_of_mxnet_are_taken(runner: Runner) -> None:
    assert runner(mx.nd.ones((1, 2)), mx.nd.ones(1))[0].tolist() == [[2, 2]]


def test_a_wrong_number_of_arrays_is_refused(runner: Runner) -> None:
    with pytest.raises(ValueError, match=r"net has 2 inputs \(x \(any, 2\) .*got 1 array$"):
        runner(np.zeros((1, 2)))


def test_a_wrong_number_of_axes_is_refused(runner: Runner) -> None:
    with pytest.raises(ValueError, match=r"input x .* has 2 axes, got the shape \(2,\)"):
        runner(np.zeros(2), np.zeros(1))


def test_what_is_no_number_is_refused(runner: Runner) -> None:
    with pytest.raises(ValueError, match="input x takes float32 numbers, got <U3"):
        runner(np.array([["cat", "dog"]]), np.zeros(1))


def test_an_error_of_the_backend_names_the_shapes(runner: Runner) -> None:
    message = r"net failed on x \(5, 2\), n \(5,\); it was exported for x \(any, 2\).*: too many"
    with pytest.raises(ValueError, match=message):
        runner(np.zeros((5, 2)), np.zeros(5))


def test_its_name_and_backend_are_shown(runner: Runner) -> None:
    assert repr(runner) == "<Doubles of net: numpy>"


def test_a_warm_up_runs_ones_of_the_declared_shapes() -> None:
    seen = []

    class Sees(Doubles):
        def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
            seen.append([(array.shape, array.dtype.name, array.min()) for array in arrays])
            return arrays

    inputs = (TensorSpec("x", (None, 2)), TensorSpec("n", (None,), "int32"))
    Sees(Manifest("net", inputs, ())).warmup(3, calls=2)
    assert seen == [[((3, 2), "float32", 1), ((3,), "int32", 1)]] * 2


def test_unknown_shapes_cannot_be_warmed_up() -> None:
    with pytest.raises(ValueError, match=r"input x \(float32\) is not known"):
        Doubles(Manifest("net", (TensorSpec("x", None),), ())).warmup()
