from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np

from toolkit.model_zoo import get_model


def test_the_table_of_words_scores_the_next_one(texts: list, hybrid_equals_eager: Callable) -> None:
    net = get_model("gpt2_117m", layers=1, units=16, heads=2, vocab_size=50, max_length=8)
    net.initialize(mx.init.Normal(0.3))
    (scores,) = hybrid_equals_eager(net, *texts)
    table = net.encoder.tokens.weight.data().asnumpy()
    expected = net.encoder(*texts).asnumpy() @ table.T
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    assert net.decoder.weight is net.encoder.tokens.weight
