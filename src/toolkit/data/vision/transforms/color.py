"""Changes of colour on (H, W, 3) uint8 RGB images; results are rounded and clipped."""

from __future__ import annotations

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])  # weights of R, G, B in gray: ITU-R BT.601
# Principal components of ImageNet's colours, scaled by their deviation: Krizhevsky et al., 2012.
EIGENVALUES = np.array([55.46, 4.794, 1.148])
EIGENVECTORS = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)
VALUES = np.arange(256.0)


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiplies by ``factor``: 0 is black, 1 changes nothing."""
    return _look_up(image, VALUES * factor)


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Moves every value away from the mean gray by ``factor``: 0 is plain gray, 1 no change."""
    gray = float(np.dot(cv2.mean(image)[:3], LUMA))
    return _look_up(image, VALUES * factor + gray * (1 - factor))


def adjust_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Moves every pixel away from its own gray by ``factor``: 0 is gray, 1 changes nothing."""
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, gray, 1 - factor, 0)


def adjust_hue(image: np.ndarray, turn: float) -> np.ndarray:
    """Turns the hue of every pixel by ``turn`` of the circle: 0 and 1 change nothing."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] += np.uint8(round(turn * 256) % 256)  # wraps around, as hues do
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)


def color_jitter(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> np.ndarray:
    """Changes them in random order: three each by a factor from 1 - amount to 1 + amount.

    The hue is turned by up to ``hue`` of the circle either way, after the others.
    """
    steps = [
        (adjust_brightness, brightness),
        (adjust_contrast, contrast),
        (adjust_saturation, saturation),
    ]
    for index in rng.permutation(len(steps)):
        adjust, amount = steps[index]
        if amount:
            image = adjust(image, rng.uniform(max(0.0, 1 - amount), 1 + amount))
    return adjust_hue(image, rng.uniform(-hue, hue)) if hue else image


def adjust_lighting(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Adds ImageNet's three principal colours, times ``weights``, to every pixel."""
    shift = EIGENVECTORS @ (EIGENVALUES * weights)
    return _look_up(image, VALUES[:, None] + shift)


def random_lighting(
    image: np.ndarray, rng: np.random.Generator, deviation: float = 0.1
) -> np.ndarray:
    """Adds principal colours by normal weights: Krizhevsky et al., 2012, section 4.1."""
    return adjust_lighting(image, rng.normal(0.0, deviation, 3))


def _look_up(image: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Replaces each value by ``table``'s: (256,) for all channels or (256, 3)."""
    bytes_ = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return cv2.LUT(image, bytes_.reshape(1, 256, -1))
