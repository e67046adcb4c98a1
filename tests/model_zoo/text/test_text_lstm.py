from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np


def test_the_order_of_words_counts(word_kit: Any) -> None:
    net = word_kit.build("lstm")
    other = word_kit.texts.copy()
    other[0] = other[0][::-1]
    assert (
        np.abs(
            word_kit.scores(net, other, word_kit.lengths)
            - word_kit.scores(net, word_kit.texts, word_kit.lengths)
        )[0].max()
        > 1e-3
    )


def test_training_reaches_the_first_word_from_every_layer(word_kit: Any) -> None:
    net = word_kit.build("lstm", layers=2, dropout=0.0)
    net.hybridize()
    with mx.autograd.record():
        loss = net(mx.nd.array(word_kit.texts), mx.nd.array(word_kit.lengths)).square().sum()
    loss.backward()
    for name, param in net.collect_params().items():
        assert param.grad().asnumpy().any(), name
