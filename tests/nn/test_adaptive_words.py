from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import AdaptiveScores, AdaptiveWords

TOKENS = np.array([[0, 3, 4, 9], [6, 5, 7, 3]])


def build(**options: int) -> AdaptiveWords:
    return AdaptiveWords(10, 4, cutoffs=(4, 7), **{"embedding_units": 8, "division": 2, **options})


def test_words_come_from_the_table_of_their_range(
    same_everywhere: Callable[..., np.ndarray],
) -> None:
    words = build()
    shapes = {key: param.shape for key, param in words._collect_params_with_prefix().items()}
    assert [shapes[f"table{i}"] for i in range(3)] == [(4, 8), (3, 4), (3, 2)]
    assert [shapes[f"project{i}"] for i in range(3)] == [(4, 8), (4, 4), (4, 2)]
    found = same_everywhere(words, TOKENS)
    arrays = {key: p.data().asnumpy() for key, p in words._collect_params_with_prefix().items()}
    rows = [arrays[f"table{i}"] @ arrays[f"project{i}"].T for i in range(3)]
    np.testing.assert_allclose(found, 2 * np.concatenate(rows)[TOKENS], rtol=1e-4, atol=1e-5)


def test_tables_of_the_right_width_are_not_projected() -> None:
    words = build(embedding_units=4, division=1)
    words.initialize(mx.init.Normal(1))
    assert set(words._collect_params_with_prefix()) == {"table0", "table1", "table2"}
    found = words(mx.nd.array(TOKENS)).asnumpy()
    rows = [getattr(words, f"table{i}").data().asnumpy() for i in range(3)]
    np.testing.assert_allclose(found, 2 * np.concatenate(rows)[TOKENS], rtol=1e-6)


@pytest.mark.parametrize("cutoffs", [(7, 4), (0, 4), (4, 10), (4, 4)])
def test_cutoffs_must_ascend(cutoffs: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cutoffs must ascend between 0 and 10"):
        AdaptiveWords(10, 4, cutoffs=cutoffs, embedding_units=8)


def test_a_table_must_have_units() -> None:
    with pytest.raises(ValueError, match=r"8 units cannot be divided to \[8, 0\]"):
        AdaptiveWords(10, 4, cutoffs=(5,), embedding_units=8, division=9)


@pytest.mark.parametrize("own", [False, True])
def test_scores_are_shared_out_among_tables(own: bool) -> None:
    words = build()
    scores = AdaptiveScores(words, own_projection=own)
    scores.initialize(mx.init.Normal(1))
    assert (scores.project0 is words.project0) != own
    assert scores.project1 is words.project1
    assert scores.table2 is words.table2
    x = mx.nd.random.normal(shape=(2, 3, 4))
    found = np.exp(scores(x).asnumpy())
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    near = x.asnumpy() @ scores.project1.data().asnumpy()
    inside = np.exp(near @ scores.table1.data().asnumpy().T + scores.bias1.data().asnumpy())
    share = found[..., 4:7] / found[..., 4:7].sum(-1, keepdims=True)
    np.testing.assert_allclose(share, inside / inside.sum(-1, keepdims=True), rtol=1e-4)
    eager = scores(x).asnumpy()
    scores.hybridize()
    np.testing.assert_allclose(scores(x).asnumpy(), eager, rtol=1e-5, atol=1e-5)


def test_one_table_is_a_plain_softmax() -> None:
    words = AdaptiveWords(6, 4, embedding_units=4)
    scores = AdaptiveScores(words)
    scores.initialize(mx.init.Normal(1))  # the table, too
    x = mx.nd.random.normal(shape=(2, 4))
    expected = mx.nd.log_softmax(mx.nd.dot(x, words.table0.data(), transpose_b=True))
    np.testing.assert_allclose(scores(x).asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-5)
