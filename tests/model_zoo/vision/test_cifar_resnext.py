from __future__ import annotations

import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.vision.cifar_resnext import CIFARResNeXt, CIFARResNeXtConfig
from toolkit.utils.testing import assert_is_backbone


def test_a_narrow_one_is_a_backbone() -> None:
    config = CIFARResNeXtConfig(groups=2, group_width=4, units=1)
    assert_is_backbone(lambda: CIFARResNeXt(config), (1, 3, 32, 32))


@pytest.mark.parametrize(("groups", "width"), [(32, 4), (16, 64)])
def test_the_name_tells_groups_and_their_width(groups: int, width: int) -> None:
    net = get_model(f"cifar_resnext29_{groups}x{width}d")
    for stage, units in enumerate(net.backbone.stages):
        conv = units[0].body[1].conv
        assert conv._kwargs["num_group"] == groups
        assert conv.weight.shape == (groups * width << stage, width << stage, 3, 3)


def test_the_size_is_that_of_the_paper() -> None:
    params = get_model("cifar_resnext29_16x64d").collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    assert size / 1e6 == pytest.approx(68.1, abs=0.1)
