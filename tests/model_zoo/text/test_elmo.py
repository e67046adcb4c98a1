from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.text import ELMoCharVocab
from toolkit.model_zoo import get_arrays, get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.elmo import VARIANTS, Highway, LayerMix
from toolkit.utils.checkpoints import write_params
from toolkit.utils.testing import assert_is_text_encoder

NAME = "elmo_2x1024_128_2048cnn_1xhighway"
SMALL: dict[str, Any] = {
    "hidden": 12,
    "projection": 6,
    "characters": 9,
    "filters": ((1, 4), (2, 5), (3, 6)),
}
WORDS = np.random.default_rng(0).integers(0, 262, (2, 5, 9))


def build(**options: Any) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = get_model(NAME, **{**SMALL, **options})
    net.initialize(mx.init.Normal(0.4))
    return net


def read(net: mx.gluon.HybridBlock, words: np.ndarray, lengths: list[int]) -> np.ndarray:
    found: np.ndarray = net(
        mx.nd.array(words), mx.nd.zeros(words.shape[:2]), mx.nd.array(lengths)
    ).asnumpy()
    return found


@pytest.mark.parametrize("highways", [1, 2])
def test_it_is_a_text_encoder(highways: int) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, NAME, highways=highways, **SMALL))


@pytest.mark.parametrize(("name", "millions"), list(zip(VARIANTS, (13.6, 28.1, 93.7), strict=True)))
def test_sizes_are_the_published_ones(name: str, millions: float) -> None:
    net = BACKBONES.create(name)
    count = sum(np.prod(param.shape) for param in net.collect_params().values())
    assert count / 1e6 == pytest.approx(millions, abs=0.06)


def test_every_variant_is_published() -> None:
    assert {model_info(name).task for name in VARIANTS} == {"text_encoder"}
    tags = {w.dataset: w.tag for w in model_info("elmo_2x4096_512_2048cnn_2xhighway").weights}
    assert tags == {"gbw": "5608a09f", "5bw": "79af6238"}
    assert all(model_info(name).entry("gbw").tag for name in VARIANTS)


def test_its_words_are_those_of_the_vocabulary() -> None:
    net, vocab = build(characters=50), ELMoCharVocab()
    assert (net.encoder.characters, net.vocab_size) == (vocab.length, len(vocab))
    words = np.array([vocab[["<bos>", "Miller", "ran", "<eos>"]]])
    assert read(net, words, [4]).shape == (1, 4, 12)


def test_words_are_spelled_by_themselves() -> None:
    speller = build().encoder.speller
    speller.characters.weight.set_data(mx.nd.random.normal(shape=(262, 16)))
    found = speller(mx.nd.array(WORDS)).asnumpy()
    arrays = {k: p.data().asnumpy() for k, p in speller._collect_params_with_prefix().items()}
    x = arrays["characters.weight"][WORDS[1, 3]]  # one word, (characters, units)
    parts = []
    for index, width in enumerate((1, 2, 3)):
        weight, bias = (arrays[f"filters.{index}.{name}"] for name in ("weight", "bias"))
        windows = [x[start : start + width].T for start in range(9 - width + 1)]
        parts.append(np.max([(weight * w).sum((1, 2)) + bias for w in windows], axis=0))
    features = np.concatenate(parts).clip(0)
    weight, bias = (arrays[f"highways.0.change.{name}"] for name in ("weight", "bias"))
    new, gate = np.split(weight @ features + bias, 2)
    gate = 1 / (1 + np.exp(-gate))
    features = gate * new.clip(0) + (1 - gate) * features
    expected = arrays["project.weight"] @ features + arrays["project.bias"]
    np.testing.assert_allclose(found[1, 3], expected, rtol=1e-4, atol=1e-5)


def test_a_closed_gate_lets_all_pass() -> None:
    highway = Highway(3)
    highway.initialize()
    highway.change.bias.set_data(mx.nd.array([5, 5, 5, -50, -50, -50]))
    x = mx.nd.array([[1.0, -2.0, 3.0]])
    np.testing.assert_array_equal(highway(x).asnumpy(), x.asnumpy())


def test_each_half_of_the_features_sees_one_side() -> None:
    net = build()
    other = WORDS.copy()
    other[:, 2] = (other[:, 2] + 1) % 262
    changed = (read(net, other, [5, 5]) != read(net, WORDS, [5, 5])).reshape(2, 5, 2, 6)
    ahead, back = changed.any(axis=(0, 3)).T
    assert list(ahead) == [False, False, True, True, True]
    assert list(back) == [True, True, True, False, False]


def test_layers_are_mixed_as_a_task_learns_to() -> None:
    net = build()
    words, lengths = mx.nd.array(WORDS), mx.nd.array([5, 5])
    layers = np.stack([x.asnumpy() for x in net.encoder.read_layers(words, lengths)])
    assert layers.shape == (3, 2, 5, 12)
    np.testing.assert_array_equal(layers[0, :, :, :6], layers[0, :, :, 6:])  # the words alone
    np.testing.assert_allclose(read(net, WORDS, [5, 5]), layers.mean(0), rtol=1e-4, atol=1e-6)
    net.encoder.mix.weights.set_data(mx.nd.array([0, 9e9, 0]))
    net.encoder.mix.factor.set_data(mx.nd.array([2]))
    np.testing.assert_allclose(read(net, WORDS, [5, 5]), 2 * layers[1], rtol=1e-4, atol=1e-6)


def test_a_mix_is_the_same_everywhere() -> None:
    mix = LayerMix(2)
    mix.initialize()
    layers = [mx.nd.random.normal(shape=(2, 3, 4)) for _ in range(2)]
    mix.weights.set_data(mx.nd.array([0.3, -0.4]))
    eager = mix(*layers).asnumpy()
    mix.hybridize()
    np.testing.assert_allclose(mix(*layers).asnumpy(), eager, rtol=1e-5, atol=1e-6)
    share = 1 / (1 + np.exp(-0.7))
    expected = share * layers[0] + (1 - share) * layers[1]
    np.testing.assert_allclose(eager, expected.asnumpy(), rtol=1e-4, atol=1e-5)


def test_texts_are_classified() -> None:
    net = build(task="text_classifier", classes=3)
    net.hybridize()
    with mx.autograd.record():
        scores = net(mx.nd.array(WORDS), mx.nd.zeros((2, 5)), mx.nd.array([5, 2]))
        scores.square().sum().backward()
    assert scores.shape == (2, 3)
    params = net._collect_params_with_prefix()
    idle = {key for key, param in params.items() if not param.grad().asnumpy().any()}
    # A text is judged by its last word, before which a reader from behind has read nothing.
    assert idle == {f"encoder.backwards.{i}.h2h_weight" for i in range(2)}


@pytest.fixture
def theirs(tmp_path: Path) -> Callable[[mx.gluon.HybridBlock], Path]:
    """Writes what GluonNLP would: all but the mix, which its models lack."""

    def write(net: mx.gluon.HybridBlock) -> Path:
        (table,) = net.info.renames
        arrays = {key: v for key, v in get_arrays(net).items() if ".mix." not in key}
        named = {str(table.to_foreign(key)): value for key, value in arrays.items()}
        assert named["_elmo_lstm.backward_layers.1.0.base_cell.h2r_weight"].shape == (6, 12)
        assert named["_elmo_lstm.forward_layers.0.0.i2h_weight"].shape == (48, 6)
        write_params(tmp_path / "theirs.params", named)
        return tmp_path / "theirs.params"

    return write


def test_gluonnlps_names_are_read(theirs: Callable[[mx.gluon.HybridBlock], Path]) -> None:
    net = build(highways=2)
    again = get_model(NAME, theirs(net), highways=2, **SMALL)
    np.testing.assert_array_equal(read(again, WORDS, [5, 3]), read(net, WORDS, [5, 3]))
