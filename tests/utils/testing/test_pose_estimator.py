"""The contract of pose estimators accepts what is right and rejects each way of being wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D

from toolkit.utils.testing import assert_is_pose_estimator


class Sound(HybridBlock):
    """A small one without fault; stubs break a part of it."""

    classes: Any = 3
    stride: Any = 4
    labels: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.maps = Conv2D(3, 4, strides=4, in_channels=3)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.maps(x)


class Named(Sound):
    labels = ("head", "left hand", "right hand")


class NoClasses(Sound):
    classes = None


class NoStride(Sound):
    stride = 0


class FewerNames(Sound):
    labels = ("head",)


class Finer(Sound):
    stride = 2


class List(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return [self.maps(x)]


class NotFinite(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.maps(x) / 0


class MoreInTraining(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        maps = self.maps(x)
        return F.concat(maps, maps, dim=1) if mx.autograd.is_training() else maps


class ChangesHybridized(Sound):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.maps(x) if F is mx.nd else self.maps(x) + 1


@pytest.mark.parametrize("sound", [Sound, Named])
def test_a_sound_one_is_accepted(sound: Callable[[], HybridBlock]) -> None:
    assert_is_pose_estimator(sound, (2, 3, 8, 12))
    assert_is_pose_estimator(sound(), (2, 3, 8, 12))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (NoClasses, "classes must be a number, got None"),
        (NoStride, "stride must be a number, got 0"),
        (FewerNames, r"labels must be the names of 3 joints or None, got \('head',\)"),
        (Finer, r"heat maps must be \(2, 3, 4, 6\), got \(2, 3, 2, 3\)"),
        (List, r"heat maps must be .* got list"),
        (NotFinite, "not finite"),
        (MoreInTraining, r"training gives the shape \(2, 6, 2, 3\)"),
        (ChangesHybridized, "hybridized heat maps differs from eager"),
    ],
)
def test_a_broken_one_is_rejected(broken: Callable[[], HybridBlock], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_is_pose_estimator(broken, (2, 3, 8, 12))
