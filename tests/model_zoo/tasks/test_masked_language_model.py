from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np

from toolkit.model_zoo import get_arrays

POSITIONS = mx.nd.array([[1, 5], [0, 3], [0, 0]])


def test_the_table_of_words_scores_them(
    build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("masked_language_model")
    (scores,) = hybrid_equals_eager(net, *texts, POSITIONS)
    assert scores.shape == (3, 2, 50)
    features = net.encoder(*texts).asnumpy()
    chosen = np.stack(
        [row[p] for row, p in zip(features, POSITIONS.asnumpy().astype(int), strict=True)]
    )
    decoder = net.decoder
    hidden = decoder.norm(decoder.act(decoder.transform(mx.nd.array(chosen)))).asnumpy()
    table = net.encoder.embeddings.tokens.weight.data().asnumpy()
    expected = hidden @ table.T + decoder.output.bias.data().asnumpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_the_table_of_words_is_one_parameter(build: Callable, texts: list) -> None:
    net = build("masked_language_model")
    assert net.decoder.output.weight is net.encoder.embeddings.tokens.weight
    assert "decoder.output.weight" not in get_arrays(net)
    with mx.autograd.record():
        loss = net(*texts, POSITIONS).square().mean()
    loss.backward()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    before = get_arrays(net)["encoder.embeddings.tokens.weight"]
    trainer.step(1)
    after = get_arrays(net)["encoder.embeddings.tokens.weight"]
    assert (before != after).any(axis=1).all()  # words that are in no text are scored, too


def test_pretraining_scores_pairs_as_well(
    build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("language_pretraining")
    words, pairs = hybrid_equals_eager(net, *texts, POSITIONS)
    assert words.shape == (3, 2, 50)
    expected = net.next_sentence(net.pooler(net.encoder(*texts))).asnumpy()
    np.testing.assert_allclose(pairs, expected, rtol=1e-5)
