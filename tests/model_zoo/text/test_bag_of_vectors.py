from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np


def test_the_order_of_words_does_not_count(word_kit: Any) -> None:
    net = word_kit.build("bag")
    other = word_kit.texts.copy()
    other[0] = other[0][::-1]
    np.testing.assert_allclose(
        word_kit.scores(net, other, word_kit.lengths),
        word_kit.scores(net, word_kit.texts, word_kit.lengths),
        rtol=1e-5,
        atol=1e-6,
    )


def test_sparse_gradients_train_as_dense_ones_do(word_kit: Any) -> None:
    results = []
    for sparse in (False, True):
        net = word_kit.build("bag", sparse=sparse)
        net.hybridize()
        trainer = mx.gluon.Trainer(
            net.collect_params(), "sgd", {"learning_rate": 0.1}, kvstore=None
        )
        for _ in range(3):
            with mx.autograd.record():
                loss = (
                    net(mx.nd.array(word_kit.texts), mx.nd.array(word_kit.lengths)).square().sum()
                )
            loss.backward()
            trainer.step(3)
        results.append(net.words.tables[0].weight.data().asnumpy())
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)
