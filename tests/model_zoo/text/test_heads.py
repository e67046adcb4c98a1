from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.text.bert import BERT, BERTConfig
from toolkit.model_zoo.text.heads import Pooler, VocabularyDecoder, gather_tokens

X = mx.nd.array(np.random.default_rng(0).normal(size=(2, 4, 6)))


@pytest.mark.parametrize(("act", "formula"), [("tanh", np.tanh), ("relu", lambda x: x.clip(0))])
def test_the_pooler_sees_the_first_token(act: str, formula: object) -> None:
    pooler = Pooler(6, act)
    pooler.initialize(mx.init.Normal(0.5))
    expected = X.asnumpy()[:, 0] @ pooler.weight.data().asnumpy().T
    assert callable(formula)
    np.testing.assert_allclose(pooler(X).asnumpy(), formula(expected), rtol=1e-5, atol=1e-6)


def test_the_pooler_sees_the_last_token_of_each_text() -> None:
    pooler = Pooler(6, last=True)
    pooler.initialize(mx.init.Normal(0.5))
    last = X.asnumpy()[[0, 1], [3, 1]]
    expected = np.tanh(last @ pooler.weight.data().asnumpy().T)
    found = pooler(X, mx.nd.array([4, 2])).asnumpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_tokens_are_gathered_row_by_row() -> None:
    positions = np.array([[3, 0, 0], [1, 1, 2]])
    found = gather_tokens(mx.nd, X, mx.nd.array(positions, dtype="int32")).asnumpy()
    np.testing.assert_array_equal(found, X.asnumpy()[np.arange(2)[:, None], positions])


def test_the_decoder_is_as_wide_as_the_table() -> None:
    config = BERTConfig(layers=1, units=6, hidden_units=8, heads=2, vocab_size=9, embedding_units=4)
    encoder = BERT(config)
    decoder = VocabularyDecoder(config, encoder.embeddings.tokens)
    assert decoder.transform.weight.shape == (4, 6)
    assert decoder.output.weight is encoder.embeddings.tokens.weight
