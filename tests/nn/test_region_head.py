"""Heads on features of regions."""

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.containers import sequence
from toolkit.nn.region_head import BoxHead, MaskHead, box_layers, conv_layers, dense_layers

Check = Callable[..., np.ndarray]


@pytest.fixture
def x() -> mx.nd.NDArray:
    return mx.nd.random.normal(shape=(5, 6, 4, 4))


@pytest.mark.parametrize(("per_class", "codes"), [(True, 12), (False, 4)])
def test_a_class_has_boxes_of_its_own_or_not(x: mx.nd.NDArray, per_class: bool, codes: int) -> None:
    net = BoxHead(dense_layers(96, (8, 7)), 7, 3, per_class=per_class)
    net.initialize()
    assert [r.shape for r in net(x)] == [(5, 4), (5, codes)]
    shared = net.shared(x)
    np.testing.assert_array_equal(net(x)[0].asnumpy(), net.scores(shared).asnumpy())
    assert (shared.asnumpy() >= 0).all()


def test_two_heads_go_apart(x: mx.nd.NDArray) -> None:
    net = BoxHead(dense_layers(96, (8,)), 8, 3, boxes=(box_layers(6, 12, 2), 12))
    net.initialize()
    eager = [r.asnumpy() for r in net(x)]
    np.testing.assert_array_equal(eager[1], net.codes(net.boxes(x)).asnumpy())
    net.hybridize()
    for ours, theirs in zip(net(x), eager, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-4, atol=1e-6)


def test_convolutions_keep_size_and_channels(same_everywhere: Check) -> None:
    layers = sequence(conv_layers(6, 2, norm=BatchNorm), dense_layers(96, (3,)))
    assert same_everywhere(layers, np.ones((2, 6, 4, 4))).shape == (2, 3)
    assert len(layers[0]) == 2


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("norm", [None, BatchNorm])
def test_masks_are_twice_as_large(same_everywhere: Check, depth: int, norm: object) -> None:
    net = MaskHead(6, 3, channels=8, depth=depth, norm=norm)  # type: ignore[arg-type]
    result = same_everywhere(net, np.random.default_rng(0).normal(size=(2, 6, 5, 5)))
    assert result.shape == (2, 3, 10, 10)
    assert result.std() > 0


def test_new_last_layers_fit(x: mx.nd.NDArray) -> None:
    net = BoxHead(dense_layers(96, (8,)), 8, 3, boxes=(box_layers(6, 12, 1), 12))
    scores, codes = net.outputs(5)
    assert (scores.weight.shape, codes.weight.shape) == ((6, 8), (20, 12))
    assert MaskHead(6, 3, channels=8).outputs(5).weight.shape == (5, 8, 1, 1)
