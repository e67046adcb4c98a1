"""The last step of a detector: the best boxes of each class, without those that repeat another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mxnet.gluon import HybridBlock


@dataclass(frozen=True)
class Suppression:
    """How detections are chosen.

    Raises:
        ValueError: a field is not what it must be.
    """

    threshold: float | None = 0.45  # IoU above which the worse of two boxes goes; None: all stay
    candidates: int = 400  # of an image's boxes, the best that take part
    detections: int = 100  # at most, in an image
    score: float = 0.01  # boxes must score more than this

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1] or None, got {self.threshold!r}")
        for name in ("candidates", "detections"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not 0 <= self.score < 1:
            raise ValueError(f"score must be in [0, 1), got {self.score!r}")

    def changed(self, **fields: Any) -> Suppression:
        """The same with some fields replaced; raises TypeError for a field that is none."""
        return replace(self, **fields)


class ClassNMS(HybridBlock):
    """Chooses detections by score and suppresses, class by class, those that repeat a better one.

    The best candidates are taken first, over all classes: ``box_nms`` would sort every box of every
    class to the same end.

    Args:
        classes: Number of classes L.
        suppression: The rule.
        per_class: Each class has boxes of its own: ``(N, R, L, 4)``.
    """

    def __init__(self, classes: int, suppression: Suppression, *, per_class: bool = False) -> None:
        super().__init__()
        self.classes = classes
        self._per_class = per_class
        self.suppression = suppression

    def hybrid_forward(self, F: Any, probs: Any, boxes: Any) -> tuple[Any, Any, Any]:
        """Maps probabilities ``(N, R, L)`` and corners ``(N, R, 4)`` to what was found.

        Returns class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and corners ``(N, K, 4)``, the
        best first; rows without a detection are -1 throughout.
        """
        rule = self.suppression
        scores, rows, ids = self._candidates(F, probs)
        batch = F.broadcast_like(F.reshape(F.contrib.arange_like(scores, axis=0), (-1, 1)), scores)
        if self._per_class:
            boxes, rows = F.reshape(boxes, (0, -3, 4)), (rows * self.classes + ids) * (scores > 0)
        corners = F.gather_nd(boxes, F.stack(batch, rows, axis=0))
        found = F.concat(F.expand_dims(ids, 2), F.expand_dims(scores, 2), corners, dim=2)
        if rule.threshold is None:
            valid = F.broadcast_like(F.expand_dims(scores > rule.score, 2), found)
            found = F.where(valid, found, -F.ones_like(found))
        else:
            found = F.contrib.box_nms(
                found,
                overlap_thresh=rule.threshold,
                valid_thresh=rule.score,
                topk=rule.candidates,
                coord_start=2,
                score_index=1,
                id_index=0,
            )
        found = F.slice_axis(found, axis=1, begin=0, end=min(rule.detections, rule.candidates))
        return tuple(
            F.slice_axis(found, axis=2, begin=begin, end=end)
            for begin, end in ((0, 1), (1, 2), (2, 6))
        )

    def _candidates(self, F: Any, probs: Any) -> tuple[Any, Any, Any]:
        """Scores, box rows and classes of the best, each ``(N, candidates)``."""
        count = self.suppression.candidates
        flat = F.reshape(probs, (0, -1))
        # Boxes that score nothing, lest there be fewer than candidates.
        filling = F.broadcast_axis(F.slice_axis(flat, axis=1, begin=0, end=1) * 0, 1, count)
        scores, places = F.topk(F.concat(flat, filling, dim=1), k=count, ret_typ="both")
        # Half a place more: the quotient must not be rounded over a whole number.
        rows = F.floor((places + 0.5) / self.classes)
        ids = places - rows * self.classes
        return scores, rows * (scores > 0), ids
