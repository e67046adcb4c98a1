from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from toolkit.data.vision.transforms import color as c

ADJUST = [c.adjust_brightness, c.adjust_contrast, c.adjust_saturation]


@pytest.mark.parametrize("adjust", ADJUST)
def test_one_changes_nothing(
    adjust: Callable[[np.ndarray, float], np.ndarray], photo: np.ndarray
) -> None:
    np.testing.assert_array_equal(adjust(photo, 1.0), photo)


def test_zero_takes_all_away(photo: np.ndarray) -> None:
    assert not c.adjust_brightness(photo, 0.0).any()
    flat = c.adjust_contrast(photo, 0.0)
    assert flat.min() == flat.max() == round(float((photo @ c.LUMA).mean()))
    gray = c.adjust_saturation(photo, 0.0)
    np.testing.assert_allclose(gray[..., 0], photo @ c.LUMA, atol=1)
    assert (gray == gray[..., :1]).all()


def test_values_are_clipped() -> None:
    image = np.array([[[200, 10, 0], [0, 0, 0]]], np.uint8)
    assert c.adjust_brightness(image, 2.0).tolist() == [[[255, 20, 0], [0, 0, 0]]]
    assert c.adjust_contrast(image, 3.0).tolist()[0][1] == [0, 0, 0]
    assert c.adjust_saturation(image, 2.0).tolist()[0][0] == [255, 0, 0]
    assert c.adjust_lighting(image, np.array([-100.0, 0, 0])).tolist()[0][1] == [255, 255, 255]


@pytest.mark.parametrize("factor", [0.3, 0.8, 1.7])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_as_mxnet(
    name: str, factor: float, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    mx = pytest.importorskip("mxnet")
    monkeypatch.setattr(random, "uniform", lambda low, high: factor - 1)
    jitter = getattr(mx.image, f"{name.capitalize()}JitterAug")(1.0)
    theirs = np.clip(jitter(mx.nd.array(photo)).asnumpy(), 0, 255)
    ours = getattr(c, f"adjust_{name}")(photo, factor)
    assert np.abs(ours - theirs).max() <= 1


def test_lighting_as_mxnet(photo: np.ndarray) -> None:
    mx = pytest.importorskip("mxnet")
    weights = (0.3, -0.2, 0.5)
    theirs = mx.nd.image.adjust_lighting(mx.nd.array(photo, dtype="uint8"), alpha=weights)
    ours = c.adjust_lighting(photo, np.array(weights))
    assert np.abs(ours.astype(int) - theirs.asnumpy()).max() <= 1


def test_random_ones_follow_the_generator(photo: np.ndarray) -> None:
    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        jittered = c.color_jitter(photo, rng, brightness=0.4, contrast=0.4, saturation=0.4)
        return c.random_lighting(jittered, rng)

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))
    rng = np.random.default_rng(0)
    assert c.color_jitter(photo, rng) is photo
    assert (c.random_lighting(photo, rng, deviation=0.0) == photo).all()


def test_jitter_keeps_its_bounds() -> None:
    image, rng = np.full((1, 1, 3), 100, np.uint8), np.random.default_rng(0)
    values = [int(c.color_jitter(image, rng, brightness=0.4)[0, 0, 0]) for _ in range(500)]
    assert 60 <= min(values) <= 64
    assert 136 <= max(values) <= 140
    factors = [int(c.color_jitter(image, rng, brightness=3.0)[0, 0, 0]) for _ in range(500)]
    assert min(factors) < 5


def test_hue_turns_around_the_circle(photo: np.ndarray) -> None:
    red = np.full((1, 1, 3), (255, 0, 0), np.uint8)
    for turn, wanted in ((1 / 3, (0, 255, 0)), (2 / 3, (0, 0, 255)), (-1 / 3, (0, 0, 255))):
        np.testing.assert_allclose(c.adjust_hue(red, turn)[0, 0].astype(int), wanted, atol=8)
    gray = np.full((1, 1, 3), 90, np.uint8)
    assert (c.adjust_hue(gray, 0.4) == 90).all()
    for turn in (0, 1):
        same = c.adjust_hue(photo, turn).astype(int)
        assert np.abs(same - photo).mean() < 2  # what eight bits of a hue cost
    jittered = c.color_jitter(photo, np.random.default_rng(0), hue=0.2)
    assert np.abs(jittered.astype(int) - photo).mean() > 5
