"""The cascade of three resolutions."""

from __future__ import annotations

import mxnet as mx
import pytest

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.image_cascade import ImageCascade


@pytest.fixture(scope="module")
def net() -> ImageCascade:
    net = ImageCascade(BACKBONES.create("resnet18_v1b", output_stride=8), 4)
    net.initialize()
    return net


def test_scores_are_those_of_four_grids(net: ImageCascade) -> None:
    sizes = [scores.shape[2:] for scores in net(mx.nd.zeros((1, 3, 64, 96)))]
    assert sizes == [(64, 96), (16, 24), (8, 12), (4, 6)]


def test_the_last_stages_see_a_quarter_of_the_image(net: ImageCascade) -> None:
    seen = {}
    for name, block in (("first", net.backbone.stem), ("third", net.backbone.stages[2])):
        block.register_forward_pre_hook(
            lambda _, inputs, name=name: seen.update({name: inputs[0].shape[2:]})
        )
    net(mx.nd.zeros((1, 3, 64, 96)))
    assert seen == {"first": (32, 48), "third": (2, 3)}


def test_it_takes_a_resnet() -> None:
    with pytest.raises(ValueError, match="a cascade takes a backbone of stem, norm, act, pool"):
        ImageCascade(BACKBONES.create("mobilenet0.25"), 4)
