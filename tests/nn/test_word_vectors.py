from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import MODES, WordVectors

TEXTS = mx.nd.array([[3, 1, 4, 1], [5, 9, 2, 6]])
LENGTHS = mx.nd.array([4, 2])


def build(mode: str = "rand", **options: Any) -> WordVectors:
    words = WordVectors(10, 3, mode=mode, **options)
    words.initialize(mx.init.Normal(1))
    return words


@pytest.mark.parametrize("mode", MODES)
def test_words_are_looked_up_in_every_table(mode: str) -> None:
    words = build(mode)
    found = words(TEXTS, LENGTHS).asnumpy()
    assert found.shape == (2, 4, words.units)
    rows = [table.weight.data().asnumpy()[[5, 9]] for table in words.tables]
    np.testing.assert_array_equal(found[1, :2], np.concatenate(rows, axis=1))
    assert not found[1, 2:].any()
    words.hybridize()
    np.testing.assert_array_equal(words(TEXTS, LENGTHS).asnumpy(), found)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_training_changes_the_tables_that_the_mode_says(mode: str, sparse: bool) -> None:
    words = build(mode, sparse=sparse)
    before = [table.weight.data().asnumpy() for table in words.tables]
    trainer = mx.gluon.Trainer(words.collect_params(), "sgd", {"learning_rate": 1}, kvstore=None)
    if any(MODES[mode]):
        with mx.autograd.record():
            loss = words(TEXTS, LENGTHS).square().sum()
        loss.backward()
        trainer.step(1)
    changed = [
        np.flatnonzero((table.weight.data().asnumpy() != old).any(1)).tolist()
        for table, old in zip(words.tables, before, strict=True)
    ]
    assert changed == [[1, 3, 4, 5, 9] if trained else [] for trained in MODES[mode]]


def test_sparse_gradients_have_the_rows_of_the_words() -> None:
    words = build(sparse=True)
    words.hybridize()
    with mx.autograd.record():
        loss = words(TEXTS, LENGTHS).sum()
    loss.backward()
    grad = words.tables[0].weight.grad()
    assert grad.stype == "row_sparse"
    dense = grad.asnumpy()[:, 0]
    np.testing.assert_array_equal(dense, [0, 2, 0, 1, 1, 1, 0, 0, 0, 1])


def test_vectors_fill_every_table() -> None:
    words = build("multichannel")
    vectors = np.random.default_rng(1).normal(size=(10, 3)).astype("float32")
    words.set_vectors(vectors)
    for table in words.tables:
        np.testing.assert_array_equal(table.weight.data().asnumpy(), vectors)
    with pytest.raises(ValueError, match=r"\(10, 3\), got \(3, 10\)"):
        words.set_vectors(vectors.T)


@pytest.mark.parametrize("mode", ["non-static", "multichannel"])
def test_known_words_get_their_vectors(mode: str) -> None:
    class Table(dict):
        def __getitem__(self, words: list[str]) -> list[list[float]]:
            return [self.get(word) for word in words]

    names = list("abcdefghij")
    words = build(mode)
    before = words.tables[0].weight.data().asnumpy()
    words.set_known_vectors(names, Table(c=[1.0, 2.0, 3.0], z=[9.0, 9.0, 9.0]))
    expected = np.concatenate([before[:2], [[1, 2, 3]], before[3:]])
    for table in words.tables:
        np.testing.assert_array_equal(table.weight.data().asnumpy(), expected)
    words.set_known_vectors(names, Table())
    np.testing.assert_array_equal(words.tables[0].weight.data().asnumpy(), expected)
    for wrong, table in ((names[:9], Table()), (names, Table(a=[1.0, 2.0]))):
        with pytest.raises(ValueError, match="10 words of 3 units, got"):
            words.set_known_vectors(wrong, table)


def test_words_are_left_out_whole_and_in_training_alone() -> None:
    words = build(dropout=0.5)
    kept = words(TEXTS, LENGTHS).asnumpy()
    assert kept[0].all()
    mx.random.seed(1)
    with mx.autograd.train_mode():
        found = words(TEXTS, LENGTHS).asnumpy()[0]
    left_out = (found == 0).all(1)
    assert 0 < left_out.sum() < 4
    np.testing.assert_allclose(found[~left_out], 2 * kept[0][~left_out], rtol=1e-6)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="multichannel"):
        WordVectors(10, 3, mode="multichanel")


@pytest.mark.parametrize("mode", MODES)
def test_subwords_are_added_to_words(mode: str) -> None:
    words = build(mode, subwords=8)
    texts = mx.nd.array([[[3, 1, 4], [5, 7, -1], [9, -1, -1]], [[2, 6, 2], [-1] * 3, [-1] * 3]])
    lengths = mx.nd.array([3, 1])
    found = words(texts, lengths).asnumpy()
    rows = [table.weight.data().asnumpy()[[3, 5, 9]] for table in words.tables]
    added = words.subwords(texts[:1, :, 1:])[0].asnumpy()
    assert added[:2].all()
    np.testing.assert_allclose(found[0], np.concatenate(rows, axis=1) + added, rtol=1e-5)
    assert not found[1, 1:].any()
    words.hybridize()
    np.testing.assert_array_equal(words(texts, lengths).asnumpy(), found)
