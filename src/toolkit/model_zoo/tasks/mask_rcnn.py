"""Mask R-CNN: He et al., 2017, https://arxiv.org/abs/1703.06870."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes
from toolkit.model_zoo.tasks.faster_rcnn import FasterRCNN
from toolkit.model_zoo.tasks.rcnn_layouts import Layout


class MaskRCNN(FasterRCNN):
    """Finds objects as Faster R-CNN does, and the mask of each within its box.

    Beside class indices, scores and corners, ``net(x)`` gives masks ``(N, K, S, S)`` in [0, 1]:
    of S cells each way over the box, -1 in rows without a detection. ``net.masks`` makes them of
    the boxes that ``net.postprocess`` found.

    Args:
        backbone: Maps images to a list of features.
        classes: Number of classes, or their names.
        layout: An ``RCNNLayout``, a name in ``LAYOUTS``, or arguments of ``make_layout``.

    Raises:
        ValueError: there is no such layout, no classes, or the backbone does not fit the layout.
    """

    _masks = True

    def __init__(
        self, backbone: HybridBlock, classes: Classes, *, layout: Layout = "mask_fpn"
    ) -> None:
        super().__init__(backbone, classes, layout=layout)

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, Any, Any, Any]:
        """Maps images ``(N, 3, H, W)`` to detections and their masks."""
        raw = self.network(x)
        ids, scores, boxes = self.postprocess(*raw)
        return ids, scores, boxes, self.masks(F, ids, boxes, *raw[6:])

    def masks(self, F: Any, ids: Any, boxes: Any, *features: Any) -> Any:
        """The masks ``(N, K, S, S)`` of detections, given what the network found them in."""
        network = self.network
        scores = network.mask_head(network.regions(boxes, *features))
        classes = F.reshape(F.maximum(ids, 0), (-1,))
        rows = F.contrib.arange_like(classes)
        chosen = F.gather_nd(scores, F.stack(rows, classes, axis=0))
        probs = F.Activation(chosen, act_type="sigmoid")
        probs = F.reshape_like(probs, boxes, lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2)
        there = F.broadcast_like(F.expand_dims(ids, 3) >= 0, probs)
        return F.where(there, probs, -F.ones_like(probs))


TASKS.add("mask_rcnn", MaskRCNN)
