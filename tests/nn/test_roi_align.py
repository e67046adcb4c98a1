"""Features of regions, against bilinear sampling in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.roi_align import RoIAlign


def sample(feature: np.ndarray, y: float, x: float) -> np.ndarray:
    """A feature ``(C, H, W)`` between its cells; nothing beyond it."""
    height, width = feature.shape[1:]
    if y > height or x > width:
        return np.zeros(len(feature))
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    low_y, low_x = int(y), int(x)
    high_y, high_x = min(low_y + 1, height - 1), min(low_x + 1, width - 1)
    dy, dx = y - low_y, x - low_x
    return (
        feature[:, low_y, low_x] * (1 - dy) * (1 - dx)
        + feature[:, low_y, high_x] * (1 - dy) * dx
        + feature[:, high_y, low_x] * dy * (1 - dx)
        + feature[:, high_y, high_x] * dy * dx
    )


def reference(feature: np.ndarray, roi: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The mean of four samples in each cell of a region."""
    x0, y0, x1, y1 = roi / stride
    height, width = max(y1 - y0, 1) / size, max(x1 - x0, 1) / size
    result = np.zeros((len(feature), size, size))
    for row in range(size):
        for column in range(size):
            samples = [
                sample(feature, y0 + (row + dy) * height, x0 + (column + dx) * width)
                for dy in (0.25, 0.75)
                for dx in (0.25, 0.75)
            ]
            result[:, row, column] = np.mean(samples, 0)
    return result


@pytest.fixture
def features() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, 3, 256 // s, 256 // s)).astype(np.float32) for s in (4, 8, 16)]


def test_a_region_is_looked_up_in_its_own_image(features: list[np.ndarray]) -> None:
    rois = np.array([[[16, 8, 80, 100], [0, 0, 255, 255]], [[30, 40, 60, 50], [1, 2, 90, 70]]])
    pool = RoIAlign(3, (8,))
    result = pool(mx.nd.array(rois), mx.nd.array(features[1])).asnumpy()
    assert result.shape == (4, 3, 3, 3)
    expected = [reference(features[1][i // 2], rois[i // 2, i % 2], 3, 8) for i in range(4)]
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_the_size_of_a_region_chooses_the_feature(features: list[np.ndarray]) -> None:
    # 56 pixels are looked up at stride 4, 112 at 8, 224 at 16 and all that is larger there, too.
    sides = np.array([20, 56, 110, 113, 222, 226])
    strides = [4, 4, 4, 8, 8, 16]
    rois = np.stack([np.array([5, 3, 4 + side, 2 + side]) for side in sides])[None].repeat(2, 0)
    arrays = [mx.nd.array(f) for f in features]
    pool = RoIAlign(2, (4, 8, 16))
    for _ in range(2):  # eager, then hybridized
        result = pool(mx.nd.array(rois), *arrays).asnumpy().reshape(2, 6, 3, 2, 2)
        for image in range(2):
            for place, stride in enumerate(strides):
                feature = features[(4, 8, 16).index(stride)][image]
                expected = reference(feature, rois[image, place], 2, stride)
                np.testing.assert_allclose(result[image, place], expected, rtol=1e-4, atol=1e-5)
        pool.hybridize()


def test_rows_without_a_region_are_finite_and_pass_no_gradient(features: list[np.ndarray]) -> None:
    rois = mx.nd.array([[[-1, -1, -1, -1], [0, 0, 200, 200]]])
    arrays = [mx.nd.array(f[:1]) for f in features]
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        result = RoIAlign(2, (4, 8, 16))(rois, *arrays)
        total = result[1].sum()
    total.backward()
    assert np.isfinite(result.asnumpy()).all()
    assert [float(a.grad.abs().sum().asscalar()) > 0 for a in arrays] == [False, True, False]


@pytest.mark.parametrize("strides", [(), (4, 8, 8), (4, 16)])
def test_strides_must_double(strides: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="strides must double"):
        RoIAlign(2, strides)
