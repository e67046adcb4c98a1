from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit import deploy
from toolkit.model_zoo import get_model

PLACES = np.array([[1, 2, 3, 5], [1, 2, 4, 0], [1, 1, 0, 0]])
HEAD = {"arc_units": 6, "relation_units": 4}


@pytest.fixture
def words(texts: list) -> list[mx.nd.NDArray]:
    return [*texts, mx.nd.array(PLACES, dtype="int32")]


def test_first_pieces_are_scored_as_words(
    build: Callable, words: list, hybrid_equals_eager: Callable
) -> None:
    net = build("parser", classes=5, **HEAD)
    arcs, relations = hybrid_equals_eager(net, *words)
    assert (arcs.shape, relations.shape) == ((3, 4, 4), (3, 4, 5, 4))
    features = net.encoder(*words[:3]).asnumpy()
    for row, own in enumerate(PLACES):
        size = int((own > 0).sum())
        chosen = mx.nd.array(features[row, own[:size] - 1][None])
        ours, kinds = net.head(chosen, mx.nd.array([size]))
        np.testing.assert_allclose(ours[0].asnumpy(), arcs[row, :size, :size], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            kinds[0].asnumpy(), relations[row, :size, :, :size], rtol=1e-4, atol=1e-4
        )
        assert (arcs[row, :, size:] < -1e17).all()


def test_what_is_beyond_the_length_changes_nothing(build: Callable, words: list) -> None:
    net = build("parser", classes=5, **HEAD)
    expected = [part.asnumpy() for part in net(*words)]
    tokens, segments = words[0].asnumpy(), words[1].asnumpy()
    tokens[1, 4:], tokens[2, 1:], segments[1, 4:] = 7, 8, 1
    other = net(mx.nd.array(tokens), mx.nd.array(segments), *words[2:])
    for ours, theirs in zip(other, expected, strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), theirs)


def test_an_exported_one_gives_the_same(build: Callable, words: list, tmp_path: Path) -> None:
    net = build("parser", classes=5, **HEAD)
    expected = [part.asnumpy() for part in net(*words)]
    manifest = deploy.export(net, tmp_path / "parser", tuple(words))
    again = deploy.load(manifest)(*(part.asnumpy() for part in words))
    for ours, theirs in zip(again, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_training_and_inference_have_one_form_and_gradients(build: Callable, words: list) -> None:
    net = build("parser", classes=5, **HEAD)
    with mx.autograd.record():
        arcs, relations = net(*words)
        (mx.nd.log_softmax(arcs, axis=-1)[:, :, 0].sum() + relations.square().sum()).backward()
    assert (arcs.shape, relations.shape) == ((3, 4, 4), (3, 4, 5, 4))
    for name, param in net.head.collect_params().items():
        assert param.grad().asnumpy().any(), name
    assert net.encoder.embeddings.tokens.weight.grad().asnumpy().any()


def test_other_encoders_serve_as_well(words: list) -> None:
    net = get_model(
        "gpt2_117m", task="parser", classes=3, layers=1, units=16, heads=2, vocab_size=50
    )
    net.initialize()
    arcs, relations = net(*words)
    assert (arcs.shape, relations.shape) == ((3, 4, 4), (3, 4, 3, 4))


def test_there_has_to_be_a_relation() -> None:
    with pytest.raises(ValueError, match="classes"):
        get_model("bert_12_768_12", task="parser", classes=0, layers=1)
