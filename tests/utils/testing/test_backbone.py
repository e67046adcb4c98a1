"""The contracts accept what is right and reject each way of being wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D, Dense

from toolkit.utils.testing import assert_is_backbone


class Backbone(HybridBlock):
    """A small one without fault; each stub below breaks one part of it."""

    channels: Any = (4, 6)
    strides: Any = (2, 4)

    def __init__(self) -> None:
        super().__init__()
        self.fine = Conv2D(4, 3, 2, 1, in_channels=3)
        self.coarse = Conv2D(6, 3, 2, 1, in_channels=4)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        fine = self.fine(x)
        return [fine, self.coarse(fine)]

    def head(self, classes: int) -> HybridBlock:
        return Head(classes)


class Head(HybridBlock):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.output = Dense(classes, in_units=6)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.output(F.contrib.AdaptiveAvgPooling2D(x, output_size=1))


class WrongChannels(Backbone):
    channels = (4, 8)


class WrongStrides(Backbone):
    strides = (2, 8)


class CoarsestFirst(Backbone):
    channels = (6, 4)
    strides = (4, 2)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return super().hybrid_forward(F, x)[::-1]


class ListOfChannels(Backbone):
    channels = [4, 6]  # noqa: RUF012


class OneStrideTooFew(Backbone):
    strides = (4,)


class OneFeatureTooMany(Backbone):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        fine, coarse = super().hybrid_forward(F, x)
        return [fine, coarse, F.relu(coarse)]


class OneArray(Backbone):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return super().hybrid_forward(F, x)[-1]


class Deferred(Backbone):
    def __init__(self) -> None:
        super().__init__()
        self.coarse = Conv2D(6, 3, 2, 1)


class HiddenParameters(Backbone):
    def __init__(self) -> None:
        HybridBlock.__init__(self)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        fine = F.Pooling(F.tile(x, (1, 2, 1, 1)), kernel=(2, 2), stride=(2, 2))
        return [F.slice_axis(fine, axis=1, begin=0, end=4), F.Pooling(fine, kernel=(2, 2))]


class OneSizeOnly(Backbone):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        fine, coarse = super().hybrid_forward(F, x)
        return [fine, F.contrib.AdaptiveAvgPooling2D(coarse, output_size=16)]


class Unequal(Backbone):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        fine, coarse = super().hybrid_forward(F, x)
        return [fine, coarse * 1.001 if F is mx.sym else coarse]


class Infinite(Backbone):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        fine, coarse = super().hybrid_forward(F, x)
        return [fine, coarse / 0]


class OtherInTraining(Backbone):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        features = super().hybrid_forward(F, x)
        return features[-1:] if mx.autograd.is_training() else features


class HeadOfOtherSize(Backbone):
    def head(self, classes: int) -> HybridBlock:
        return Head(classes + 1)


class DeferredHead(Backbone):
    def head(self, classes: int) -> HybridBlock:
        return Dense(classes)


class HeadOnAll(HybridBlock):
    """One dense layer on the means of all features."""

    takes_all_features = True

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.output = Dense(classes, in_units=10)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        means = [F.mean(feature, axis=(2, 3)) for feature in features]
        return self.output(F.concat(*means, dim=1))


class ClassifiedByAll(Backbone):
    def head(self, classes: int) -> HybridBlock:
        return HeadOnAll(classes)


class NamesFromACounter(Backbone):
    numbers = count()

    def __init__(self) -> None:
        HybridBlock.__init__(self, prefix=f"net{next(self.numbers)}_")
        with self.name_scope():
            self.fine = Conv2D(4, 3, 2, 1, in_channels=3)
            self.coarse = Conv2D(6, 3, 2, 1, in_channels=4)


@pytest.mark.parametrize(
    "build",
    [Backbone, Backbone(), ClassifiedByAll],
    ids=["function", "block", "classified by all features"],
)
def test_a_backbone_without_fault_is_accepted(build: Callable[[], HybridBlock]) -> None:
    assert_is_backbone(build, (2, 3, 32, 24))


def test_initialized_weights_are_kept() -> None:
    net = Backbone()
    net.initialize(mx.init.One())
    assert_is_backbone(net)
    assert (net.fine.weight.data().asnumpy() == 1).all()


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        (WrongChannels, r"feature 1 must be \(1, 8, h, w\), got \(1, 6, 16, 16\)"),
        (WrongStrides, r"feature 1 grows by 2 cells .* 8 pixels: that is no stride of 8"),
        (CoarsestFirst, r"strides are not finest first: \(4, 2\)"),
        (ListOfChannels, r"channels must be a tuple .* got \[4, 6\]"),
        (OneStrideTooFew, "2 channels but 1 strides"),
        (OneFeatureTooMany, r"3 features, but channels are \(4, 6\)"),
        (OneArray, "must be a list of features, got NDArray"),
        (Deferred, r"unknown before the first call: \['coarse.weight'\]"),
        (HiddenParameters, "no parameters"),
        (OneSizeOnly, "feature 1 grows by 0 cells"),
        (Unequal, "hybridized feature 1 differs from eager by 1.0e-03"),
        (Infinite, "feature 1 is not finite"),
        (OtherInTraining, r"shapes in training \[\(1, 6, 16, 16\)\], in inference"),
        (HeadOfOtherSize, r"head\(7\) must give \(1, 7\), got \(1, 8\)"),
        (DeferredHead, r"unknown before the first call: \['weight'\]"),
        (NamesFromACounter, "parameter names differ from one build to the next"),
    ],
)
def test_each_fault_is_named(stub: Callable[[], HybridBlock], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_is_backbone(stub)


def test_images_must_suit_the_strides() -> None:
    with pytest.raises(AssertionError, match=r"sides that 4 divides, got \(1, 3, 30, 32\)"):
        assert_is_backbone(Backbone, (1, 3, 30, 32))
