"""The contract of detectors accepts what is right and rejects each way of being wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D

from toolkit.utils.testing import assert_is_detector


class Network(HybridBlock):
    """A score and a box for each cell of 8 x 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.score = Conv2D(1, 8, 8, in_channels=3)
        self.box = Conv2D(4, 8, 8, in_channels=3)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        boxes = F.transpose(F.reshape(self.box(x), (0, 0, -1)), axes=(0, 2, 1))
        return F.reshape(F.sigmoid(self.score(x)), (0, -1, 1)), boxes


class Postprocess(HybridBlock):
    count = 10

    def hybrid_forward(self, F: Any, scores: Any, boxes: Any) -> Any:
        rows = F.concat(F.zeros_like(scores), scores, boxes, dim=2)
        options = {"id_index": 0, "score_index": 1, "coord_start": 2, "valid_thresh": 0.4}
        rows = F.contrib.box_nms(rows, overlap_thresh=0.9, topk=100, **options)
        rows = F.slice_axis(rows, axis=1, begin=0, end=self.count)
        ends = ((0, 1), (1, 2), (2, 6))
        return [F.slice_axis(rows, axis=2, begin=begin, end=end) for begin, end in ends]


class Detector(HybridBlock):
    """A small one without fault; stubs break a part of it."""

    classes: Any = 1

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()
        self.postprocess = Postprocess()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.postprocess(*self.network(x))

    def set_nms(self, detections: int) -> None:
        self.postprocess.count = detections
        self._clear_cached_op()

    def reset_class(self, classes: int) -> None:
        self.classes = classes


class NoClasses(Detector):
    classes = None


class ChangesTheForm(Detector):
    """As upstream's do in training."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        raw = self.network(x)
        return (*raw, raw[0]) if mx.autograd.is_training() else self.postprocess(*raw)


class ScalesAfterwards(Detector):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        ids, scores, boxes = super().hybrid_forward(F, x)
        return ids, scores, F.where(boxes == -1, boxes, boxes + 1)


class WorstFirst(Detector):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return [F.reverse(a, axis=1) for a in super().hybrid_forward(F, x)]


class ZerosForNothing(Detector):
    def __init__(self) -> None:
        super().__init__()
        self.postprocess.count = 144

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        ids, scores, boxes = super().hybrid_forward(F, x)
        return ids, scores, F.where(boxes == -1, F.zeros_like(boxes), boxes)


class ClassOutOfRange(Detector):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        ids, scores, boxes = super().hybrid_forward(F, x)
        return F.where(ids < 0, ids, ids + 5), scores, boxes


class BoxesAlone(Detector):
    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return super().hybrid_forward(F, x)[2]


class KeepsItsRows(Detector):
    def set_nms(self, detections: int) -> None:
        pass


class KeepsItsClasses(Detector):
    def reset_class(self, classes: int) -> None:
        pass


def test_a_right_one_is_accepted() -> None:
    assert_is_detector(Detector)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (NoClasses, "classes must be a number, got None"),
        (ChangesTheForm, "training gives the shapes"),
        (ScalesAfterwards, r"net\(x\) is not postprocess"),
        (WorstFirst, "the best must come first"),
        (ZerosForNothing, "rows without a detection must be -1"),
        (ClassOutOfRange, "a class index is not below 1"),
        (BoxesAlone, "the result must be class indices, scores and corners"),
        (KeepsItsRows, "must leave 3 rows"),
        (KeepsItsClasses, "reset_class must set classes"),
    ],
)
def test_a_wrong_one_is_rejected(wrong: Callable[[], HybridBlock], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_is_detector(wrong)
