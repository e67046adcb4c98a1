from __future__ import annotations

from collections.abc import Callable

import numpy as np


def test_starts_and_ends_are_scored_within_the_text(
    build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("question_answerer")
    starts, ends = hybrid_equals_eager(net, *texts)
    assert starts.shape == ends.shape == (3, 6)
    features = net.encoder(*texts).asnumpy()
    expected = features @ net.spans.weight.data().asnumpy().T
    inside = np.arange(6) < texts[2].asnumpy()[:, None]
    np.testing.assert_allclose(starts[inside], expected[inside][:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ends[inside], expected[inside][:, 1], rtol=1e-4, atol=1e-5)
    assert starts[~inside].max() < -1e17
    assert ends[~inside].max() < -1e17
