from __future__ import annotations

from collections.abc import Callable

import numpy as np


def test_each_token_has_its_own_scores(
    build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("token_classifier", classes=5)
    (scores,) = hybrid_equals_eager(net, *texts)
    assert scores.shape == (3, 6, 5)
    features = net.encoder(*texts).asnumpy()
    weight, bias = (p.data().asnumpy() for p in (net.head.weight, net.head.bias))
    np.testing.assert_allclose(scores, features @ weight.T + bias, rtol=1e-4, atol=1e-5)
