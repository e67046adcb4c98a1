"""Text encoders against GluonNLP: same weights through the rename tables, same outputs."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import get_model, model_info

pytestmark = pytest.mark.parity

LARGE = ("bert_24_1024_16", "roberta_24_1024_16")
WITH_PAIRS = ("bert_12_768_12", "bert_24_1024_16", "ernie_12_768_12")  # trained on next sentences
NAMES = (*WITH_PAIRS, "roberta_12_768_12", "roberta_24_1024_16", "distilbert_6_768_12")
LENGTHS = (13, 6, 1)


@dataclass
class Pair:
    """An upstream network with random weights, its outputs, and the file of its weights."""

    name: str
    upstream: HybridBlock
    vocab_size: int
    inputs: tuple[mx.nd.NDArray, ...]  # tokens, segments, valid lengths, masked positions
    expected: list[np.ndarray]
    weights: Path

    def ours(self, task: str) -> HybridBlock:
        return get_model(self.name, self.weights, task=task, vocab_size=self.vocab_size)


def randomize(net: HybridBlock) -> None:
    """BERT's own initial spread, 0.02, on every weight; scales that are not one."""
    rng = np.random.default_rng(1)
    for key, param in net._collect_params_with_prefix().items():
        positive = key.endswith("gamma")
        values = (
            rng.uniform(0.5, 1.5, param.shape) if positive else rng.normal(0, 0.02, param.shape)
        )
        param.set_data(mx.nd.array(values))


def make_inputs(vocab_size: int) -> tuple[mx.nd.NDArray, ...]:
    rng = np.random.default_rng(2)
    shape = (len(LENGTHS), max(LENGTHS))
    tokens, segments = rng.integers(0, vocab_size, shape), rng.integers(0, 2, shape)
    positions = np.array([[1, 12], [0, 5], [0, 0]])
    arrays = (tokens, segments, np.array(LENGTHS), positions)
    return tuple(mx.nd.array(array, dtype="float32") for array in arrays)


def call(name: str, net: HybridBlock, inputs: tuple[mx.nd.NDArray, ...]) -> list[np.ndarray]:
    tokens, segments, lengths, positions = inputs
    if name in WITH_PAIRS:
        outputs: Any = net(tokens, segments, lengths, positions)
    elif name.startswith("roberta"):
        outputs = net(tokens, lengths, positions)
    else:
        outputs = net(tokens, lengths)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [output.asnumpy() for output in outputs]


SLOW = [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in NAMES]


@pytest.fixture(scope="module", params=SLOW)
def pair(request: pytest.FixtureRequest, gluonnlp: ModuleType) -> Iterator[Pair]:
    """Each encoder in turn."""
    gc.collect()
    name = request.param
    words = gluonnlp.data.count_tokens([f"word{index}" for index in range(90)])
    vocab = gluonnlp.vocab.BERTVocab(words)
    upstream, _ = gluonnlp.model.get_model(name, dataset_name=None, vocab=vocab, pretrained=False)
    upstream.collect_params().setattr("grad_req", "null")
    upstream.initialize()
    inputs = make_inputs(len(vocab))
    call(name, upstream, inputs)  # upstream learns some of its shapes from the first input
    randomize(upstream)
    expected = call(name, upstream, inputs)
    mx.nd.waitall()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "upstream.params"
        upstream.save_parameters(str(weights))
        yield Pair(name, upstream, len(vocab), inputs, expected, weights)


def assert_close(
    ours: mx.nd.NDArray, theirs: np.ndarray, name: str, tolerance: float = 1e-6
) -> None:
    """Equal but for rounding: upstream's rows are in another order, and its softmax is another."""
    assert theirs.std() > 0.01
    assert ours.shape == theirs.shape
    if name in LARGE:
        tolerance *= 2  # of twice the depth
    difference = ours.asnumpy() - theirs
    assert np.linalg.norm(difference) <= tolerance * np.linalg.norm(theirs)
    assert np.abs(difference).max() <= 3 * tolerance * np.abs(theirs).max()


def test_features_are_equal_with_padding(pair: Pair) -> None:
    net = pair.ours("text_encoder")
    features = net(*pair.inputs[:3])
    assert_close(features, pair.expected[0], pair.name)
    assert not features.asnumpy()[1, LENGTHS[1] :].any()


def test_hybridized_features_are_equal(pair: Pair) -> None:
    net = pair.ours("text_encoder")
    net.hybridize()
    assert_close(net(*pair.inputs[:3]), pair.expected[0], pair.name)


def test_words_and_next_sentences_are_equal(pair: Pair) -> None:
    if pair.name in WITH_PAIRS:
        words, next_sentence = pair.ours("language_pretraining")(*pair.inputs)
        assert_close(next_sentence, pair.expected[2], pair.name, 3e-6)
    elif pair.name.startswith("roberta"):
        words = pair.ours("masked_language_model")(*pair.inputs)
    else:
        pytest.skip("upstream's DistilBERT has the encoder alone")
    assert_close(words, pair.expected[-1], pair.name, 3e-6)


def test_names_turn_back_into_upstreams(pair: Pair) -> None:
    theirs = set(pair.upstream._collect_params_with_prefix())
    table = model_info(pair.name).renames[0]
    task = "language_pretraining" if pair.name in WITH_PAIRS else "masked_language_model"
    net = pair.ours("text_encoder" if pair.name.startswith("distil") else task)
    ours = net._collect_params_with_prefix()
    names = {table.to_foreign(key) for key in ours if key != "decoder.output.weight"}
    assert names == {key for key in theirs if not table.ignores(key)}
    assert len(names) >= 100


def test_no_name_of_upstreams_is_missing(gluonnlp: ModuleType) -> None:
    theirs = [name for name in gluonnlp.model.list_models() if "bert" in name or "ernie" in name]
    assert sorted(theirs) == sorted(NAMES)
