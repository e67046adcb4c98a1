from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import RelativeAttention
from toolkit.nn.relative_attention import by_key, differing, relative_positions

RNG = np.random.default_rng(0)


def softmax(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def place(distance: float, units: int) -> np.ndarray:
    angles = distance / 10000 ** (np.arange(0, units, 2) / units)
    return np.concatenate([np.sin(angles), np.cos(angles)])


def reference(
    w: dict[str, np.ndarray], x: np.ndarray, source: np.ndarray, segments: np.ndarray
) -> np.ndarray:
    """One query, one key, one head at a time."""
    heads, each = w["content_bias"].shape
    memory = source.shape[1] - x.shape[1]
    result = np.zeros_like(x)
    for row in range(len(x)):
        for t, token in enumerate(x[row]):
            query = (w["query.weight"] @ token).reshape(heads, each)
            scores = np.zeros((heads, source.shape[1]))
            for s, other in enumerate(source[row]):
                key = (w["key.weight"] @ other).reshape(heads, each)
                at = place(memory + t - s, x.shape[2])
                at = (w["position.weight"] @ at).reshape(heads, each)
                same = w["segments"][int(segments[row, memory + t] != segments[row, s])]
                scores[:, s] = ((query + w["content_bias"]) * key).sum(1)
                scores[:, s] += ((query + w["position_bias"]) * at).sum(1)
                scores[:, s] += ((query + w["segment_bias"]) * same).sum(1)
            weights = softmax(scores / each**0.5)
            values = (source[row] @ w["value.weight"].T).reshape(-1, heads, each)
            mixed = np.einsum("hs,shd->hd", weights, values)
            result[row, t] = w["output.weight"] @ mixed.reshape(-1)
    return result


@pytest.mark.parametrize("memory", [0, 3])
@pytest.mark.parametrize("hybrid", [False, True])
def test_it_scores_content_distance_and_segment(memory: int, hybrid: bool) -> None:
    block = RelativeAttention(8, 2, segments=True)
    block.initialize(mx.init.Normal(0.5))
    block.position_bias.set_data(mx.nd.array(RNG.normal(size=(2, 4))))
    block.content_bias.set_data(mx.nd.array(RNG.normal(size=(2, 4))))
    block.segment_bias.set_data(mx.nd.array(RNG.normal(size=(2, 4))))
    if hybrid:
        block.hybridize()
    source = RNG.normal(size=(2, 4 + memory, 8)).astype("float32")
    segments = RNG.integers(0, 2, (2, 4 + memory))
    x = source[:, memory:]
    given = mx.nd.array(x), mx.nd.array(source)
    different = differing(mx.nd, mx.nd.array(segments[:, memory:]), mx.nd.array(segments))
    places = relative_positions(mx.nd, *given, units=8)
    assert places.shape == (8 + memory, 8)
    bias = mx.nd.zeros((1, 1, 4, 4 + memory))
    found = block(given[0], bias, places, given[1], different).asnumpy()
    weights = {k: p.data().asnumpy() for k, p in block._collect_params_with_prefix().items()}
    expected = reference(weights, x, source, segments)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_steps_give_the_same_as_the_whole() -> None:
    block = RelativeAttention(8, 2)
    block.initialize(mx.init.Normal(0.5))
    x = mx.nd.array(RNG.normal(size=(2, 5, 8)))
    last = x[:, 4:]
    whole = block(last, None, relative_positions(mx.nd, last, x, units=8), x).asnumpy()
    head = x[:, :4]
    _, past = block.step(head, None, None, relative_positions(mx.nd, head, head, units=8))
    places = relative_positions(mx.nd, last, x, units=8, backward_only=True)
    found, past = block.step(last, None, past, places)
    np.testing.assert_allclose(found.asnumpy(), whole, rtol=1e-4, atol=1e-5)
    assert [part.shape for part in past] == [(2, 2, 5, 4)] * 2


def test_scores_by_distance_are_put_in_the_order_of_keys() -> None:
    distances = np.arange(5, -3, -1, dtype="float32")  # five keys, the last three ask
    scores = mx.nd.array(np.tile(distances, (1, 1, 3, 1)))
    found = by_key(mx.nd, scores).asnumpy()[0, 0, :, :5]
    expected = (2 + np.arange(3))[:, None] - np.arange(5)
    np.testing.assert_array_equal(found, expected)


def test_far_is_no_further_than_the_longest() -> None:
    x = mx.nd.zeros((1, 4, 6))
    found = relative_positions(mx.nd, x, x, units=6, longest=2).asnumpy()
    expected = [place(d, 6) for d in (2, 2, 2, 1, 0, -1, -2, -2)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_units_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="8 units do not divide into 3 heads"):
        RelativeAttention(8, 3)
