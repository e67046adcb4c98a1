"""Deformable convolution against its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Conv2D

from toolkit.nn.deformable import DeformableConv

X = np.random.default_rng(1).normal(size=(2, 4, 7, 6)).astype("float32")


def sample(image: np.ndarray, y: float, x: float) -> np.ndarray:
    """Bilinear value ``(C,)`` at a place of ``(C, H, W)``; zeros lie around the image."""
    top, left = int(np.floor(y)), int(np.floor(x))
    total = np.zeros(len(image))
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * image[:, row, column]
    return total


def by_definition(block: DeformableConv, x: np.ndarray, groups: int) -> np.ndarray:
    """A 3x3 one with padding 1, tap by tap."""
    found = block.offset(mx.nd.array(x)).asnumpy()
    weight, bias = block.weight.data().asnumpy(), block.bias.data().asnumpy()
    moves = found[:, : 18 * groups].reshape(len(x), groups, 9, 2, *found.shape[2:])
    counts = np.ones_like(moves[:, :, :, 0])
    if found.shape[1] > 18 * groups:
        counts = 2 / (1 + np.exp(-found[:, 18 * groups :].reshape(counts.shape)))
    result = np.zeros((len(x), len(weight), *found.shape[2:])) + bias[:, None, None]
    for n, row, column in np.ndindex(len(x), *found.shape[2:]):
        for group, part in enumerate(np.split(np.arange(x.shape[1]), groups)):
            for tap, (i, j) in enumerate(np.ndindex(3, 3)):
                dy, dx = moves[n, group, tap, :, row, column]
                values = sample(x[n][part], row - 1 + i + dy, column - 1 + j + dx)
                values = values * counts[n, group, tap, row, column]
                result[n, :, row, column] += weight[:, part, i, j] @ values
    return result


@pytest.mark.parametrize(
    ("modulated", "groups", "sampled"),
    [(True, 1, True), (True, 2, True), (False, 1, True), (True, 1, False)],
)
def test_it_is_what_the_papers_define(
    modulated: bool, groups: int, sampled: bool, same_everywhere: Callable
) -> None:
    options = {"modulated": modulated, "offset_groups": groups, "sampled": sampled}
    block = DeformableConv(5, 3, padding=1, in_channels=4, **options)
    y = same_everywhere(block, X)
    assert y.shape == (2, 5, 7, 6)
    assert np.abs(block.offset(mx.nd.array(X)).asnumpy()).max() > 1
    np.testing.assert_allclose(y, by_definition(block, X, groups), rtol=1e-3, atol=1e-3)


def test_it_begins_as_a_plain_convolution() -> None:
    options = {"strides": 2, "padding": 1, "dilation": 1, "in_channels": 4}
    ours, plain = DeformableConv(5, 3, **options), Conv2D(5, 3, **options)
    ours.initialize()
    plain.initialize()
    plain.weight.set_data(ours.weight.data())
    x = mx.nd.array(X)
    np.testing.assert_allclose(ours(x).asnumpy(), plain(x).asnumpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2, 4, 9, 8), {"strides": 2, "padding": 0}),
        ((1, 4, 9, 8), {"strides": (1, 2), "padding": 2, "dilation": 2}),
        ((1, 4, 1, 3), {"padding": 1}),
    ],
)
def test_sampling_gives_what_the_operator_gives(
    shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    ours = DeformableConv(5, 3, in_channels=4, **options)
    theirs = DeformableConv(5, 3, in_channels=4, sampled=False, **options)
    ours.initialize(mx.init.Normal(0.3), force_reinit=True)
    theirs.initialize()
    ours.offset.weight.set_data(mx.nd.random.normal(shape=ours.offset.weight.shape))
    for a, b in zip(theirs.collect_params().values(), ours.collect_params().values(), strict=True):
        a.set_data(b.data())
    x = mx.nd.random.normal(shape=shape)
    np.testing.assert_allclose(ours(x).asnumpy(), theirs(x).asnumpy(), rtol=1e-4, atol=1e-4)


def test_where_taps_move_is_learned() -> None:
    block = DeformableConv(2, 3, padding=1, in_channels=4)
    block.initialize(mx.init.Normal(0.5))
    block.offset.bias.set_data(mx.nd.random.uniform(0.2, 0.4, shape=(27,)))
    x = mx.nd.array(X)

    def loss() -> mx.nd.NDArray:
        return (block(x) ** 2).sum()

    with mx.autograd.record():
        value = loss()
    value.backward()
    bias, step = block.offset.bias, 1e-2
    for place in (0, 5, 20):
        values = bias.data().asnumpy()
        found = []
        for sign in (1, -1):
            moved = values.copy()
            moved[place] += sign * step
            bias.set_data(mx.nd.array(moved))
            found.append(loss().asscalar())
        bias.set_data(mx.nd.array(values))
        expected = (found[0] - found[1]) / (2 * step)
        assert bias.grad()[place].asscalar() == pytest.approx(expected, rel=2e-2, abs=2e-2)


def test_wrong_options_are_named() -> None:
    with pytest.raises(TypeError, match="no option groups"):
        DeformableConv(4, 3, in_channels=4, groups=2)
    with pytest.raises(ValueError, match="modulated taps of one group"):
        DeformableConv(4, 3, in_channels=4, modulated=False, sampled=False)
    with pytest.raises(ValueError, match="4 channels do not divide into 3 groups"):
        DeformableConv(4, 3, in_channels=4, offset_groups=3)
