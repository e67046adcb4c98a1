"""Scores of pairs against the formula of the paper, and what lies beyond a sentence."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import ArcScores, Biaffine

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 3)).astype("float32")
Y = RNG.normal(size=(2, 5, 3)).astype("float32")


def build(block: mx.gluon.HybridBlock) -> mx.gluon.HybridBlock:
    block.initialize(mx.init.Normal(0.5))
    for key, param in block._collect_params_with_prefix().items():
        if key.endswith("bias"):
            param.set_data(mx.nd.array(RNG.normal(size=param.shape)))
    return block


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("outputs", [1, 4])
def test_pairs_are_scored_by_the_formula(outputs: int, both: bool) -> None:
    block = build(Biaffine(3, outputs, both=both))
    found = block(mx.nd.array(X), mx.nd.array(Y)).asnumpy()
    weight, bias = (p.data().asnumpy() for p in (block.transform.weight, block.transform.bias))
    weight, bias = weight.reshape(outputs, -1, 3), bias.reshape(outputs, -1)
    y = np.concatenate([Y, np.ones((2, 5, 1))], axis=2) if both else Y
    expected = np.einsum("nxi,oji,nyj->nxoy", X, weight, y)
    expected += np.einsum("oj,nyj->noy", bias, y)[:, None]
    assert found.shape == (2, 4, outputs, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


SIZES = {"arc_units": 6, "relation_units": 4, "dropout": 0.5}
WORDS = RNG.normal(size=(2, 5, 3)).astype("float32")


def scores(block: ArcScores, words: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    outputs = block(mx.nd.array(words), mx.nd.array(lengths, dtype="int32"))
    return [output.asnumpy() for output in outputs]


def test_what_is_beyond_the_length_changes_nothing() -> None:
    block = build(ArcScores(3, 7, **SIZES))
    arcs, relations = scores(block, WORDS, [5, 3])
    assert (arcs.shape, relations.shape) == ((2, 5, 5), (2, 5, 7, 5))
    assert (arcs[1, :, 3:] < -1e17).all()
    assert np.abs(arcs[1, :, :3]).max() < 1e3
    other = WORDS.copy()
    other[1, 3:] = 9
    for ours, theirs in zip(scores(block, other, [5, 3]), (arcs, relations), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    alone = scores(block, WORDS[1:, :3], [3])
    np.testing.assert_allclose(alone[0][0], arcs[1, :3, :3], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone[1][0], relations[1, :3, :, :3], rtol=1e-4, atol=1e-5)


def test_eager_hybrid_and_exported_are_the_same(tmp_path: Path) -> None:
    block = build(ArcScores(3, 7, **SIZES))
    eager = scores(block, WORDS, [5, 3])
    block.hybridize()
    for ours, theirs in zip(scores(block, WORDS, [5, 3]), eager, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    block.export(str(tmp_path / "block"))
    inputs = [mx.sym.var("data0", dtype="float32"), mx.sym.var("data1", dtype="int32")]
    again = mx.gluon.SymbolBlock(mx.sym.load(str(tmp_path / "block-symbol.json")), inputs)
    again.load_parameters(str(tmp_path / "block-0000.params"), cast_dtype=True)
    for length in (5, 4):  # of another length, too
        expected = scores(block, WORDS[:, :length], [length, 3])
        found = scores(again, WORDS[:, :length], [length, 3])
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_gradients_reach_everything_but_what_softmax_forgets() -> None:
    block = build(ArcScores(3, 7, **SIZES))
    with mx.autograd.record():
        arcs, relations = block(mx.nd.array(WORDS), mx.nd.array([5, 3]))
        chosen = mx.nd.log_softmax(arcs, axis=-1)[:, :, 1].sum()
        (chosen + relations.square().sum()).backward()
    for name, param in block.collect_params().items():
        assert param.grad().asnumpy().any(), name


def test_dropout_leaves_out_the_same_units_of_all_words() -> None:
    block = build(ArcScores(3, 7, **SIZES))
    with mx.autograd.train_mode():
        views = block.arc_head(mx.nd.array(WORDS)).asnumpy()
    left_out = (views == 0).all(axis=1)
    np.testing.assert_array_equal((views == 0).any(axis=1), left_out)
    assert 0 < left_out.sum() < left_out.size
