from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.norm import GroupNorm, RMSNorm, ScaledL2Norm, UnscaledNorm, frozen_norm


def reference(x: np.ndarray, groups: int, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The definition, in float64."""
    parts = x.astype("float64").reshape(x.shape[0], groups, -1)
    parts = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + 1e-5)
    return parts.reshape(x.shape) * gamma[:, None, None] + beta[:, None, None]


@pytest.mark.parametrize(
    ("shape", "groups"), [((2, 64, 5, 3), 32), ((3, 6, 4, 4), 1), ((1, 4, 2, 2), 4)]
)
def test_equals_the_definition(
    shape: tuple[int, ...], groups: int, same_everywhere: Callable
) -> None:
    x = np.random.default_rng(1).normal(1, 2, size=shape).astype("float32")
    block = GroupNorm(shape[1], groups=groups)
    y = same_everywhere(block, x)
    gamma, beta = (p.data().asnumpy() for p in (block.gamma, block.beta))
    np.testing.assert_allclose(y, reference(x, groups, gamma, beta), rtol=1e-4, atol=1e-4)


def test_an_image_does_not_depend_on_its_batch(same_everywhere: Callable) -> None:
    x = np.random.default_rng(1).normal(size=(4, 32, 3, 3)).astype("float32")
    block = GroupNorm(32, groups=8)
    whole = same_everywhere(block, x)
    np.testing.assert_allclose(block(mx.nd.array(x[1:2])).asnumpy(), whole[1:2], atol=1e-5)


def test_gradients_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    x, weight = rng.normal(size=(2, 2, 4, 3, 3)).astype("float32")
    block = GroupNorm(4, groups=2)
    block.initialize()
    gamma, beta = np.ones(4), np.zeros(4)
    data = mx.nd.array(x)
    data.attach_grad()
    with mx.autograd.record():
        loss = (block(data) * mx.nd.array(weight)).sum()
    loss.backward()
    step = 1e-5
    for place in [(0, 0, 0, 0), (1, 2, 1, 2), (0, 3, 2, 0)]:
        moved = x.astype("float64")
        moved[place] += step
        up = (reference(moved, 2, gamma, beta) * weight).sum()
        moved[place] -= 2 * step
        down = (reference(moved, 2, gamma, beta) * weight).sum()
        expected = (up - down) / (2 * step)
        assert data.grad.asnumpy()[place] == pytest.approx(expected, rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(block.beta.grad().asnumpy(), weight.sum((0, 2, 3)), rtol=1e-4)


def test_initializers_are_heeded() -> None:
    block = GroupNorm(32, gamma_initializer="zeros", beta_initializer="ones")
    block.initialize(mx.init.Xavier())
    y = block(mx.nd.random.normal(shape=(1, 32, 2, 2)))
    np.testing.assert_array_equal(y.asnumpy(), np.ones((1, 32, 2, 2)))


def test_channels_must_divide_into_the_groups() -> None:
    with pytest.raises(ValueError, match="48 channels do not divide into 32 groups"):
        GroupNorm(48)


def test_each_cell_gets_one_length_then_each_channel_its_scale(same_everywhere: Callable) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype("float32")
    block = ScaledL2Norm(3, 20.0)
    y = same_everywhere(block, x)
    lengths = np.sqrt((x.astype("float64") ** 2).sum(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, x / lengths * block.scale.data().asnumpy(), rtol=1e-4)
    fresh = ScaledL2Norm(3, 20.0)
    fresh.initialize()
    assert (fresh.scale.data().asnumpy() == 20).all()


def test_a_frozen_norm_is_left_alone_by_training() -> None:
    block = frozen_norm(in_channels=3)
    block.initialize()
    block.running_mean.set_data(mx.nd.array([1, 2, 3]))
    x = mx.nd.random.normal(shape=(4, 3, 2, 2))
    with mx.autograd.record():
        y = block(x)
    np.testing.assert_allclose(y.asnumpy(), block(x).asnumpy(), rtol=1e-5)
    np.testing.assert_array_equal(block.running_mean.data().asnumpy(), [1, 2, 3])
    assert {p.grad_req for p in block.collect_params().values()} == {"null"}


def test_an_unscaled_norm_learns_its_shift_alone() -> None:
    block = UnscaledNorm(in_channels=3)
    block.initialize()
    block.gamma.set_data(mx.nd.array([5, 5, 5]))
    x = mx.nd.ones((1, 3, 1, 1))
    np.testing.assert_allclose(block(x).asnumpy().ravel(), 1 / np.sqrt(1 + 1e-3), rtol=1e-5)
    assert block.beta.grad_req == "write"


def test_tokens_are_divided_by_their_root_mean_square(same_everywhere: Callable) -> None:
    x = np.random.default_rng(1).normal(1, 2, size=(2, 3, 8)).astype("float32")
    x[1, 2] = 0
    block = RMSNorm(8, epsilon=1e-3)
    y = same_everywhere(block, x)
    root = np.sqrt((x.astype("float64") ** 2).mean(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, x / root * block.gamma.data().asnumpy(), rtol=1e-4, atol=1e-6)
    fresh = RMSNorm(8)
    fresh.initialize(mx.init.Xavier())
    assert (fresh.gamma.data().asnumpy() == 1).all()
