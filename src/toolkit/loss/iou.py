"""Losses of boxes by how they overlap what they should be: IoU, GIoU and DIoU.

Rezatofighi et al., 2019, https://arxiv.org/abs/1902.09630; Zheng et al., 2019,
https://arxiv.org/abs/1911.08287.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.utils.registry import unknown

TINY = 1e-9  # area of boxes that are none


class IoULoss(HybridBlock):
    """1 less the intersection over union, and a penalty for boxes that lie apart.

    Args:
        kind: A name in ``PENALTIES``: ``"iou"`` has none, and no gradient where boxes do not
            overlap; ``"giou"``: the share of the box around both that is in neither; ``"diou"``:
            the squared distance of their centres over that of its corners.

    Raises:
        ValueError: there is no such kind.
    """

    def __init__(self, kind: str = "giou") -> None:
        super().__init__()
        if kind not in PENALTIES:
            raise ValueError(unknown("loss of overlaps", kind, PENALTIES))
        self._penalty = PENALTIES[kind]

    def hybrid_forward(self, F: Any, boxes: Any, targets: Any, weights: Any) -> Any:
        """Gives a loss ``(1,)``, the mean by weight.

        Args:
            F: MXNet's namespace.
            boxes: ``(N, A, 4)`` corners; an inverted one has no area.
            targets: ``(N, A, 4)`` corners, which must be numbers.
            weights: ``(N, A)``, 0 for what counts nothing.
        """
        low = F.maximum(_part(F, boxes, 0), _part(F, targets, 0))
        high = F.minimum(_part(F, boxes, 2), _part(F, targets, 2))
        common = _area(F, F.relu(high - low))
        both = _area(F, _sides(F, boxes)) + _area(F, _sides(F, targets)) - common
        loss = 1 - common / F.maximum(both, TINY) + self._penalty(F, boxes, targets, both)
        total = F.broadcast_maximum(F.sum(weights), F.ones((1,)) * TINY)
        return F.sum(loss * weights) / total


def _part(F: Any, boxes: Any, begin: int) -> Any:
    return F.slice_axis(boxes, axis=2, begin=begin, end=begin + 2)


def _sides(F: Any, boxes: Any) -> Any:
    return F.relu(_part(F, boxes, 2) - _part(F, boxes, 0))


def _area(F: Any, sides: Any) -> Any:
    width, height = (F.slice_axis(sides, axis=2, begin=i, end=i + 1) for i in (0, 1))
    return F.reshape(width * height, (0, -1))


def _around(F: Any, boxes: Any, targets: Any) -> Any:
    """Sides ``(N, A, 2)`` of the smallest box around both."""
    low = F.minimum(_part(F, boxes, 0), _part(F, targets, 0))
    return F.maximum(_part(F, boxes, 2), _part(F, targets, 2)) - low


def _none(F: Any, boxes: Any, targets: Any, union: Any) -> Any:
    return F.zeros_like(union)


def _generalized(F: Any, boxes: Any, targets: Any, union: Any) -> Any:
    around = _area(F, F.relu(_around(F, boxes, targets)))
    return (around - union) / F.maximum(around, TINY)


def _distance(F: Any, boxes: Any, targets: Any, union: Any) -> Any:
    apart = F.sum((_center(F, boxes) - _center(F, targets)) ** 2, axis=2)
    return apart / F.maximum(F.sum(_around(F, boxes, targets) ** 2, axis=2), TINY)


def _center(F: Any, boxes: Any) -> Any:
    return (_part(F, boxes, 0) + _part(F, boxes, 2)) / 2


# From MXNet's namespace, boxes, targets and the area of their union to what is added.
PENALTIES: Mapping[str, Callable[..., Any]] = {
    "iou": _none,
    "giou": _generalized,
    "diou": _distance,
}
