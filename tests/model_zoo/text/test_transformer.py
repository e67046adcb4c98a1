from __future__ import annotations

from functools import partial
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.transformer import VARIANTS
from toolkit.utils.testing import assert_is_text_encoder

SMALL = {"layers": 2, "units": 16, "heads": 2, "hidden_units": 24, "vocab_size": 60}
WORDS = np.random.default_rng(1).integers(0, 60, (2, 7))
NAMES = ["transformer_en_de_512", "marian_6_512_8"]


def build(name: str, **options: Any) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = get_model(name, **{**SMALL, "start": 2, "end": 3, **options})
    net.initialize(mx.init.Normal(0.3))
    return net


def texts() -> list[mx.nd.NDArray]:
    tokens = mx.nd.array(np.random.default_rng(0).integers(0, 60, (2, 9)), dtype="int32")
    return [tokens, mx.nd.array([9, 4], dtype="int32")]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_text_encoder(name: str) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, name, **SMALL))


def test_every_variant_is_published() -> None:
    assert len(VARIANTS) == 3
    assert {model_info(name).task for name in VARIANTS} == {"translator"}
    assert model_info("transformer_en_de_512").entry("WMT2014").tag == "e25287c5"


# The first by GluonNLP, without its tables of positions; the second by the transformers package.
@pytest.mark.parametrize(
    ("name", "count"), [("transformer_en_de_512", 62979002), ("marian_6_512_8", 73944309)]
)
def test_sizes_are_the_published_ones(name: str, count: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(param.shape)) for param in params) == count


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cuts", [[7], [1] * 7, [3, 2, 1, 1]])
def test_writing_step_by_step_gives_the_same(name: str, cuts: list[int]) -> None:
    net, data = build(name, decoder_layers=1, writes_start=True), texts()
    whole = net(*data, mx.nd.array(WORDS)).asnumpy()
    writer, states, place = net.writer(*data), None, 0
    for count in cuts:
        part = mx.nd.array(WORDS[:, place : place + count])
        found, states = writer.step(part, states)
        place += count
        np.testing.assert_allclose(found.asnumpy(), whole[:, place - 1], rtol=1e-4, atol=1e-5)
    assert states is not None
    assert [[array.shape[2] for array in state] for state in states[:-1]] == [[7, 7, 9, 9]]


@pytest.mark.parametrize("name", NAMES)
def test_no_word_sees_a_later_one_or_beyond_the_text(name: str) -> None:
    net, data = build(name), texts()
    scores = net(*data, mx.nd.array(WORDS)).asnumpy()
    other = WORDS.copy()
    other[:, 4:] = (other[:, 4:] + 1) % 60
    changed = (net(*data, mx.nd.array(other)).asnumpy() != scores).any(axis=(0, 2))
    assert list(changed) == [False] * 4 + [True] * 3
    junk = data[0].asnumpy()
    junk[1, 4:] = (junk[1, 4:] + 1) % 60
    again = net(mx.nd.array(junk), data[1], mx.nd.array(WORDS)).asnumpy()
    np.testing.assert_array_equal(again, scores)


@pytest.mark.parametrize("name", NAMES)
def test_order_matters(name: str) -> None:
    net, data = build(name), texts()
    turned = mx.nd.array(data[0].asnumpy()[:, ::-1])
    first, second = (net.encoder(t, t, mx.nd.array([9, 9])).asnumpy() for t in (data[0], turned))
    assert np.abs(first - second[:, ::-1]).max() > 0.1


def test_gradients_reach_every_parameter() -> None:
    for name in NAMES:
        for options in ({}, {"target_vocab_size": 60}, {"tied": False}):
            net, data = build(name, **options), texts()
            with mx.autograd.record():
                net(*data, mx.nd.array(WORDS)).square().sum().backward()
            params = net.collect_params().items()
            still = [key for key, param in params if not param.grad().asnumpy().any()]
            assert still == []


@pytest.mark.parametrize(
    ("options", "tables"),
    [({}, 1), ({"tied": False}, 2), ({"target_vocab_size": 33}, 2)],
)
def test_tables_of_words_are_shared_unless_told_otherwise(options: Any, tables: int) -> None:
    net = build("transformer_en_de_512", **options)
    shared = (net.encoder.tokens.weight, net.decoder.tokens.weight, net.decoder.output.weight)
    assert len({id(param) for param in shared}) == tables
    words = options.get("target_vocab_size", 60)
    assert net(*texts(), mx.nd.array(WORDS % 33)).shape == (2, 7, words)
