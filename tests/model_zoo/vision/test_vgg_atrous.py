"""VGG with holes as a backbone."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.vgg_atrous import VGGAtrous, VGGAtrousConfig
from toolkit.utils.testing import assert_is_backbone

SMALL = VGGAtrousConfig((1, 1, 1, 1, 1), (4, 4, 8, 8, 8), last=16)


def test_it_is_a_backbone() -> None:
    assert_is_backbone(lambda: VGGAtrous(SMALL))


def test_the_published_one_has_its_widths() -> None:
    net = BACKBONES.create("vgg16_atrous")
    assert net.channels == (512, 1024)
    assert net.strides == (8, 16)


def test_the_fine_feature_has_one_length_in_every_cell() -> None:
    net = VGGAtrous(SMALL)
    net.initialize(mx.init.Xavier())
    fine, _ = net(mx.nd.random.normal(shape=(1, 3, 64, 64)))
    lengths = np.linalg.norm(fine.asnumpy(), axis=1)
    np.testing.assert_allclose(lengths[lengths > 1e-3], 20, rtol=1e-2)
    assert (lengths > 1e-3).any()
