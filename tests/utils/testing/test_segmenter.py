"""The contract of segmenters accepts what is right and rejects each way of being wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D

from toolkit.utils.testing import assert_is_segmenter


class Network(HybridBlock):
    """Scores and auxiliary scores."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv2D(3, 3, padding=1, in_channels=3)
        self.second = Conv2D(3, 1, in_channels=3)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.first(x), self.second(x)


class Sound(HybridBlock):
    """A small one without fault; stubs break a part of it."""

    classes: Any = 3

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        first, second = self.network(x)
        return first + 0 * second  # so that its graph has all parameters


class NoClasses(Sound):
    classes = None


class OtherClasses(Sound):
    classes = 4


class Coarse(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.Pooling(self.network(x)[0], kernel=(2, 2), stride=(2, 2), pool_type="avg")


class AnotherResult(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.network(x)[0] + self.network(x)[1]


class NotFinite(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return super().hybrid_forward(F, x) / 0


class OneArray(Sound):
    class Single(Network):
        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return self.first(x) + 0 * self.second(x)

    def __init__(self) -> None:
        super().__init__()
        self.network = OneArray.Single()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.network(x)


class FewerInInference(Sound):
    class Changing(Network):
        def hybrid_forward(self, F: Any, x: Any) -> Any:
            both = super().hybrid_forward(F, x)
            return both if mx.autograd.is_training() else both[:1]

    def __init__(self) -> None:
        super().__init__()
        self.network = FewerInInference.Changing()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.network(x)[0]


class ChangesHybridized(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        scores = super().hybrid_forward(F, x)
        return scores if F is mx.nd else scores + 1


def test_a_sound_one_is_accepted() -> None:
    assert_is_segmenter(Sound, (2, 3, 8, 10))
    assert_is_segmenter(Sound(), (2, 3, 8, 10))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (NoClasses, "classes must be a number, got None"),
        (OtherClasses, r"scores must be \(2, 4, 8, 10\), got \(2, 3, 8, 10\)"),
        (Coarse, r"scores must be \(2, 3, 8, 10\), got \(2, 3, 4, 5\)"),
        (AnotherResult, "not the first of network"),
        (NotFinite, "not finite"),
        (OneArray, "must give a tuple, got NDArray"),
        (FewerInInference, "training gives the shapes"),
        (ChangesHybridized, "hybridized scores differs from eager"),
    ],
)
def test_a_broken_one_is_rejected(broken: Callable[[], HybridBlock], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_is_segmenter(broken, (2, 3, 8, 10))
