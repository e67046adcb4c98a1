from __future__ import annotations

import mxnet as mx
import pytest
from mxnet.gluon.nn import HybridLambda

from toolkit.nn import features_of


@pytest.mark.parametrize(
    ("taps", "expected"), [(None, [2, 4, 8]), ((0, 2), [2, 8]), ([2], [8]), ((), [])]
)
def test_the_results_at_the_taps_are_given_in_order(
    taps: tuple[int, ...] | None, expected: list[int]
) -> None:
    twice = [HybridLambda(lambda F, x: 2 * x) for _ in range(3)]
    features = features_of(twice, mx.nd.ones((1,)), taps)
    assert [feature.asscalar() for feature in features] == expected
