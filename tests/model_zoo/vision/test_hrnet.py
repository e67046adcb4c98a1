from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.hrnet import Fuse


@pytest.mark.parametrize(
    ("name", "size"),
    [("hrnet_w18_small_v1_c", 13_187_464), ("hrnet_w18_small_v2_c", 15_597_464)],
)
def test_sizes_are_those_of_the_published_networks(name: str, size: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size


def test_each_branch_has_twice_the_channels_of_the_finer() -> None:
    assert BACKBONES.create("hrnet_w18_small_v2_c").channels == (18, 36, 72, 144)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_fusing_brings_every_branch_to_one_resolution(target: int) -> None:
    fuse = Fuse((2, 4, 6), target, norm=BatchNorm)
    fuse.initialize(mx.init.Normal(1))
    branches = [mx.nd.random.normal(shape=(1, 2 * i + 2, 16 >> i, 24 >> i)) for i in range(3)]
    total = np.zeros(branches[target].shape)
    for source, (path, x) in enumerate(zip(fuse.paths, branches, strict=True)):
        y = path(x).asnumpy()
        if source > target:
            y = y.repeat(1 << (source - target), 2).repeat(1 << (source - target), 3)
        total += y
    np.testing.assert_allclose(fuse(*branches).asnumpy(), np.maximum(total, 0), atol=1e-4)
    assert len(fuse.paths[target]) == 0  # a branch passes to itself unchanged


def test_branches_that_grow_by_interpolation_may_have_any_size() -> None:
    fuse = Fuse((2, 4), 0, bilinear=True, norm=BatchNorm)
    fuse.initialize(mx.init.Normal(1))
    fine, coarse = mx.nd.random.normal(shape=(1, 2, 7, 9)), mx.nd.random.normal(shape=(1, 4, 4, 5))
    path = fuse.paths[1](coarse)
    grown = mx.nd.contrib.BilinearResize2D(path, height=7, width=9, align_corners=False)
    expected = np.maximum((fine + grown).asnumpy(), 0)
    np.testing.assert_allclose(fuse(fine, coarse).asnumpy(), expected, atol=1e-5)
    net = BACKBONES.create("hrnet_w18_small_v1_c", bilinear=True)
    net.initialize()
    sizes = [feature.shape[2:] for feature in net(mx.nd.zeros((1, 3, 50, 71)))]
    assert sizes == [(13, 18), (7, 9), (4, 5), (2, 3)]


def test_the_classifier_adds_each_branch_to_the_next_coarser() -> None:
    head = BACKBONES.create("hrnet_w18_small_v1_c").head(3)
    head.initialize(mx.init.Xavier())
    features = [mx.nd.random.normal(shape=(1, 16 << i, 32 >> i, 32 >> i)) for i in range(4)]
    x = head.widen[0](features[0])
    for halve, widen, feature in zip(head.halve, head.widen[1:], features[1:], strict=True):
        x = halve(x) + widen(feature)
    expected = head.output(head.last(x).mean((2, 3)))
    np.testing.assert_allclose(head(*features).asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-4)


def test_units_can_begin_as_identities() -> None:
    net = BACKBONES.create("hrnet_w18_small_v1_c", zero_last_gamma=True)
    net.initialize(mx.init.Xavier())
    (stage, *_) = net.stages
    for unit in (stage.exchanges[0].branches[0][0], stage.exchanges[0].branches[1][1]):
        x = mx.nd.random.normal(shape=(1, unit.body[0].conv.weight.shape[1], 4, 4))
        np.testing.assert_array_equal(unit(x).asnumpy(), mx.nd.relu(x).asnumpy())
    assert not net.first[0].body[2].norm.gamma.data().asnumpy().any()
