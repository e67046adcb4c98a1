"""Where SSDs look: the published arrangements and those for other backbones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toolkit.model_zoo.tasks.ssd_layouts import LAYOUTS, make_layout


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts_are_whole(name: str) -> None:
    layout = LAYOUTS[name]
    shapes = layout.shapes()
    assert len(shapes) == len(layout.features) + len(layout.extras) == len(layout.steps)
    assert all(side > 0 for level in shapes for shape in level for side in shape)
    assert list(layout.steps) == sorted(layout.steps)


def test_anchors_of_a_published_layout() -> None:
    shapes = LAYOUTS["vgg_300_voc"].shapes()
    assert [len(level) for level in shapes] == [4, 6, 6, 6, 4, 4]
    np.testing.assert_allclose(shapes[0][:2], [(30, 30), (1800**0.5,) * 2])


def test_lite_anchors_halve_the_first() -> None:
    shapes = LAYOUTS["mobilenet_300_lite"].shapes()
    assert [len(level) for level in shapes] == [3, 6, 6, 6, 6, 6]
    assert shapes[0][0] == (30, 30)


@pytest.mark.parametrize(("size", "levels"), [(128, 2), (300, 4), (512, 4), (1024, 5)])
def test_a_layout_for_any_size(size: int, levels: int) -> None:
    layout = make_layout(size, (4, 8, 16, 32))
    assert layout.steps[:2] == (16, 32)
    assert len(layout.steps) >= levels
    assert size / layout.steps[-1] <= 4
    assert layout.sizes[0] == pytest.approx(0.1 * size, rel=0.01)


def test_more_features_and_sizes_of_ones_own() -> None:
    layout = make_layout(256, (4, 8, 16, 32), 128, features=3, sizes=(16, 38, 70, 110, 150))
    assert layout.features == (-3, -2, -1)
    assert layout.steps == (8, 16, 32, 64)
    assert layout.sizes == (16, 38, 70, 110, 150)
    assert [extra.channels for extra in layout.extras] == [128]
    with pytest.raises(ValueError, match="1 to 4, as the backbone has, features=5"):
        make_layout(256, (4, 8, 16, 32), features=5)
    with pytest.raises(ValueError, match="4 features need 5 sizes"):
        make_layout(256, (4, 8, 16, 32), features=3, sizes=(1, 2))


def test_a_pyramid_has_one_further_feature_before_the_extras() -> None:
    layout = make_layout(256, (4, 8, 16, 32), 128, features=2, pyramid=64)
    assert (layout.features, layout.pyramid) == ((-2, -1), 64)
    assert layout.steps == (16, 32, 64)
    assert layout.extras == ()
    with pytest.raises(ValueError, match="3 features need 4 sizes"):
        replace(layout, pyramid=64, sizes=(1, 2, 3))


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="6 features need 7 sizes, 6 ratios and 6 steps, got 6, 6"):
        replace(LAYOUTS["resnet_512"], sizes=(1, 2, 3, 4, 5, 6))
