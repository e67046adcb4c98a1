from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

POOLINGS = {
    "mean": lambda x: x.mean(axis=0),
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "max": lambda x: x.max(axis=0),
}


@pytest.mark.parametrize("pooling", list(POOLINGS))
@pytest.mark.parametrize("normalize", [False, True])
def test_a_vector_is_made_of_the_text_without_padding(
    pooling: str, normalize: bool, build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("sentence_encoder", pooling=pooling, normalize=normalize)
    (vectors,) = hybrid_equals_eager(net, *texts)
    features = net.encoder(*texts).asnumpy()
    lengths = texts[2].asnumpy().astype(int)
    rows = zip(features, lengths, strict=True)
    expected = np.stack([POOLINGS[pooling](row[:length]) for row, length in rows])
    if normalize:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, rtol=1e-4, atol=1e-5)


def test_an_unknown_pooling_is_refused(build: Callable) -> None:
    with pytest.raises(ValueError, match=r"unknown pooling 'median'; .*mean"):
        build("sentence_encoder", pooling="median")
