from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.text import CandidateSampler


@pytest.mark.parametrize("power", [1.0, 0.75, 0.0])
def test_chances(power: float) -> None:
    weights = np.array([5, 0, 1, 3, 1000, 1])
    sampler = CandidateSampler(weights, power)
    expected = np.where(weights > 0, weights.astype(float) ** power, 0)
    np.testing.assert_allclose(sampler.probs, expected / expected.sum(), atol=1e-12)
    draws = sampler((200, 100), np.random.default_rng(0))
    assert (draws.shape, draws.dtype, len(sampler)) == ((200, 100), np.int64, 6)
    frequency = np.bincount(draws.ravel(), minlength=6) / draws.size
    np.testing.assert_allclose(frequency, sampler.probs, atol=0.015)
    assert frequency[1] == 0


def test_the_generator_decides() -> None:
    sampler = CandidateSampler([1, 2, 3])
    first, again = (sampler(20, np.random.default_rng(5)).tolist() for _ in range(2))
    assert first == again
    assert set(CandidateSampler([0, 7])(50, np.random.default_rng(0)).tolist()) == {1}


@pytest.mark.parametrize("weights", [[1, -1], [[1]], [float("nan")], [], [0, 0]])
def test_wrong_weights(weights: list) -> None:
    with pytest.raises(ValueError, match="weights"):
        CandidateSampler(weights)
