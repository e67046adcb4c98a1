"""Feature pyramid, against its definition."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.pyramid import FeaturePyramid


@pytest.fixture
def features() -> list[mx.nd.NDArray]:
    return [
        mx.nd.random.normal(shape=shape) for shape in ((2, 3, 9, 10), (2, 5, 5, 5), (2, 7, 3, 3))
    ]


def test_each_adds_the_coarser_twice_as_large(features: list[mx.nd.NDArray]) -> None:
    net = FeaturePyramid((3, 5, 7), 4)
    net.initialize()
    results = net(*features)
    assert [r.shape for r in results] == [(2, 4, 9, 10), (2, 4, 5, 5), (2, 4, 3, 3), (2, 4, 2, 2)]
    assert net.channels == (4,) * 4
    coarse = net.laterals[2](features[2])
    middle = net.laterals[1](features[1]).asnumpy()
    middle = middle + coarse.asnumpy().repeat(2, 2).repeat(2, 3)[:, :, :5, :5]
    fine = net.laterals[0](features[0]).asnumpy()
    fine = fine + middle.repeat(2, 2).repeat(2, 3)[:, :, :9, :10]
    for result, merged, output in zip(results, (fine, middle, coarse), net.outputs, strict=False):
        expected = output(mx.nd.array(merged))
        np.testing.assert_allclose(result.asnumpy(), expected.asnumpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(results[3].asnumpy(), net.further(coarse).asnumpy(), rtol=1e-5)


def test_hybridized_it_is_the_same(features: list[mx.nd.NDArray]) -> None:
    net = FeaturePyramid((3, 5, 7), 4, norm=BatchNorm)
    net.initialize()
    eager = [result.asnumpy() for result in net(*features)]
    net.hybridize()
    for ours, theirs in zip(net(*features), eager, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("use_bias", "count"), [(None, 0), (True, 5)])
def test_biases_stand_beside_a_norm_only_when_asked_for(use_bias: bool | None, count: int) -> None:
    net = FeaturePyramid((3, 5), 4, norm=BatchNorm, use_bias=use_bias)
    assert sum(key.endswith("bias") for key in net._collect_params_with_prefix()) == count
