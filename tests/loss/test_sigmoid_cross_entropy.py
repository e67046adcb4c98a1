"""Cross-entropy of sigmoids against its definition."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from toolkit.loss.sigmoid_cross_entropy import sigmoid_cross_entropy


def test_equals_the_definition():
    rng = np.random.default_rng(0)
    score, target = rng.normal(0, 3, (4, 5)), rng.uniform(0, 1, (4, 5))
    prob = 1 / (1 + np.exp(-score))
    expected = -(target * np.log(prob) + (1 - target) * np.log(1 - prob))
    found = sigmoid_cross_entropy(mx.nd, mx.nd.array(score), mx.nd.array(target))
    np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-5, atol=1e-6)


def test_large_scores_stay_exact():
    score, target = mx.nd.array([1e4, -1e4, 1e4]), mx.nd.array([0, 1, 1])
    assert sigmoid_cross_entropy(mx.nd, score, target).asnumpy().tolist() == [1e4, 1e4, 0]
