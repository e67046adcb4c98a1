from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.positions import SinusoidalPositions

UNITS = 8
PLACES = np.arange(12.0)[:, None]


def paired() -> np.ndarray:
    """Sines, then cosines, of four wavelengths."""
    angles = PLACES / 10000 ** (np.arange(UNITS // 2) * 2 / UNITS)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def apart() -> np.ndarray:
    """A wavelength for each of the eight units."""
    angles = PLACES / 10000 ** (np.arange(UNITS) * 2 / UNITS)
    return np.where(np.arange(UNITS) % 2, np.cos(angles), np.sin(angles))


EXPECTED = {"halves": paired, "columns": apart}


def added(block: SinusoidalPositions, tokens: int, source: int) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(2, tokens, UNITS))
    found = block(mx.nd.array(x), mx.nd.zeros((2, source), dtype="int32")).asnumpy() - x
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    return np.asarray(found[0])


@pytest.mark.parametrize("layout", EXPECTED)
@pytest.mark.parametrize("hybrid", [False, True])
def test_places_are_said_by_waves(layout: str, hybrid: bool) -> None:
    block = SinusoidalPositions(UNITS, layout=layout)
    block.hybridize(hybrid)
    waves = EXPECTED[layout]()
    np.testing.assert_allclose(added(block, 12, 12), waves, atol=1e-5)
    np.testing.assert_allclose(added(block, 3, 9), waves[6:9], atol=1e-5)
    np.testing.assert_allclose(added(block, 1, 12), waves[11:], atol=1e-5)


def test_far_places_are_told_apart() -> None:
    block = SinusoidalPositions(UNITS, layout="halves")
    found = block(mx.nd.zeros((1, 500, UNITS)), mx.nd.zeros((1, 500))).asnumpy()[0]
    angles = np.arange(500.0)[:, None] / 10000 ** (np.arange(UNITS // 2) * 2 / UNITS)
    expected = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_wrong_layout_and_odd_units_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'halfs'; did you mean halves"):
        SinusoidalPositions(UNITS, layout="halfs")
    with pytest.raises(ValueError, match="even number of units, got 7"):
        SinusoidalPositions(7, layout="halves")
