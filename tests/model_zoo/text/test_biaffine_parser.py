"""The paper's parser: its parts fit, what is beyond a sentence changes nothing, it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import ParsingLoss
from toolkit.model_zoo.text.biaffine_parser import BiaffineParser, BiaffineParserConfig
from toolkit.utils.trees import decode_trees

SIZES = {"units": 6, "tag_units": 4, "hidden": 5, "layers": 2, "arc_units": 6, "relation_units": 4}
RNG = np.random.default_rng(0)
WORDS = RNG.integers(0, 20, (3, 6)).astype("float32")
NGRAMS = RNG.integers(-1, 30, (3, 6, 4)).astype("float32")
TAGS = RNG.integers(0, 5, (3, 6)).astype("float32")
LENGTHS = np.array([6, 4, 2], "float32")
KINDS: dict[str, dict[str, int]] = {
    "words": {},
    "tags": {"tags": 5},
    "subwords": {"subwords": 30, "tags": 5},
}


def build(kind: str, **options: Any) -> BiaffineParser:
    config = BiaffineParserConfig(20, 7, **SIZES, **KINDS[kind], **options)
    net = BiaffineParser(config)
    net.initialize(mx.init.Uniform(0.7))
    return net


def inputs(kind: str) -> list[np.ndarray]:
    words = np.concatenate([WORDS[..., None], NGRAMS], axis=2) if kind == "subwords" else WORDS
    return [words, LENGTHS, *([TAGS] if KINDS[kind].get("tags") else [])]


def run(net: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [output.asnumpy() for output in net(*map(mx.nd.array, arrays))]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_eager_hybridized_and_exported(kind: str, tmp_path: Path) -> None:
    net = build(kind)
    arcs, relations = eager = run(net, inputs(kind))
    assert (arcs.shape, relations.shape) == ((3, 6, 6), (3, 6, 7, 6))
    net.hybridize()
    for ours, theirs in zip(run(net, inputs(kind)), eager, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    net.export(str(tmp_path / "net"))
    names = [f"data{i}" for i in range(len(inputs(kind)))]
    graph = mx.sym.load(str(tmp_path / "net-symbol.json"))
    again = mx.gluon.SymbolBlock(graph, [mx.sym.var(name, dtype="float32") for name in names])
    again.load_parameters(str(tmp_path / "net-0000.params"), cast_dtype=True)
    shorter = [part[1:, :4] if part.ndim > 1 else part[1:] for part in inputs(kind)]
    for ours, theirs in zip(run(again, shorter), run(net, shorter), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_beyond_the_length_changes_nothing(kind: str) -> None:
    net = build(kind)
    expected = run(net, inputs(kind))
    other = [part.copy() for part in inputs(kind)]
    for part in other:
        if part.ndim > 1:
            part[1, 4:], part[2, 2:] = 1, 3
    for ours, theirs in zip(run(net, other), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    alone = run(net, [part[2:, :2] if part.ndim > 1 else part[2:] for part in inputs(kind)])
    np.testing.assert_allclose(alone[0][0], expected[0][2, :2, :2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone[1][0], expected[1][2, :2, :, :2], rtol=1e-4, atol=1e-5)


def test_tags_and_ngrams_count() -> None:
    net = build("subwords")
    before = run(net, inputs("subwords"))[0]
    for place in (0, 2):
        changed = [part.copy() for part in inputs("subwords")]
        changed[place][0, 1, ...] = (changed[place][0, 1, ...] + 1) % 5
        assert np.abs(run(net, changed)[0][0] - before[0]).max() > 1e-4


def test_trees_are_learned_by_heart() -> None:
    net = build("tags", dropout=0.1, state_dropout=0.1, word_dropout=0.1)
    net.hybridize()
    heads = np.array([[-1, 2, 0, 2, 5, 3], [-1, 0, 1, 2, -1, -1], [-1, 0, -1, -1, -1, -1]])
    labels = np.array([[0, 1, 6, 2, 3, 1], [0, 6, 4, 5, 0, 0], [0, 6, 0, 0, 0, 0]])
    loss = ParsingLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.02})
    given = [mx.nd.array(part) for part in inputs("tags")]
    truth = [mx.nd.array(part) for part in (heads, labels)]
    for _ in range(60):
        with mx.autograd.record():
            loss(*net(*given), *truth).backward()
        trainer.step(1)
    trees = decode_trees(*run(net, inputs("tags")), LENGTHS.astype(int), root=6)
    for row, (found, kinds) in enumerate(trees):
        np.testing.assert_array_equal(found, heads[row, 1 : len(found) + 1])
        np.testing.assert_array_equal(kinds, labels[row, 1 : len(found) + 1])
