from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model

SMALL = {"layers": 1, "units": 8, "heads": 2, "hidden_units": 12, "vocab_size": 20}


def test_it_scores_the_words_of_the_places_asked_for() -> None:
    task = "permutation_language_model"
    net = get_model("xlnet_cased_l12_h768_a12", task=task, **SMALL)
    net.initialize(mx.init.Normal(0.3))
    tokens = mx.nd.array(np.random.default_rng(0).integers(0, 20, (2, 5)))
    hidden = mx.nd.array(np.triu(np.ones((5, 5)))[None].repeat(2, axis=0))
    data = [tokens, mx.nd.zeros((2, 5)), mx.nd.array([5, 4]), hidden]
    every = net(*data, mx.nd.array([[0, 1, 2, 3, 4]] * 2)).asnumpy()
    some = net(*data, mx.nd.array([[4, 1], [2, 3]])).asnumpy()
    assert some.shape == (2, 2, 20)
    np.testing.assert_array_equal(some, np.stack([every[0, [4, 1]], every[1, [2, 3]]]))


def test_training_reaches_what_stands_for_the_unknown_token() -> None:
    net = get_model("xlnet_cased_l12_h768_a12", task="permutation_language_model", **SMALL)
    net.initialize(mx.init.Normal(0.3))
    hidden = mx.nd.array(np.triu(np.ones((3, 3)))[None])
    data = [mx.nd.array([[1, 2, 3]]), mx.nd.zeros((1, 3)), mx.nd.array([3]), hidden]
    with mx.autograd.record():
        loss = net(*data, mx.nd.array([[1, 2]])).square().sum()
    loss.backward()
    assert net.mask.grad().norm().asscalar() > 0


def test_an_encoder_with_one_stream_is_refused() -> None:
    with pytest.raises(TypeError, match="BERT has no second stream"):
        get_model("minilm_6_384_12", task="permutation_language_model")
