"""Average precision of poses by the similarity of joints, by COCO's own evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.utils.metrics.official_coco import ResultRows, evaluated, indexed, named, read_truth
from toolkit.utils.registry import unknown
from toolkit.utils.skeletons import COCO_PERSON

# The numbers of COCO's summary of joints, in its order; sizes are of persons.
SUMMARY = (
    *("", "_50", "_75", "_medium", "_large"),
    *("_recall", "_recall_50", "_recall_75", "_recall_medium", "_recall_large"),
)


class KeypointMeanAP(ResultRows):
    """COCO's summary of the poses that were found in pictures, gathered pose by pose.

    What an IoU is to boxes, the similarity of joints (OKS) is to poses: Lin et al., 2014, arXiv
    1405.0312, as https://cocodataset.org/#keypoints-eval has it. Only the pictures of which
    something was added are scored.

    Args:
        annotations: A file such as ``person_keypoints_val2017.json``, or what is in one.
        category: Of the bodies.
        deviations: Of each joint, as ``Skeleton.deviations``; default those of COCO's persons.

    Raises:
        ValueError: there is no such category, or it has no joints, or others than deviations.
        OSError: the file cannot be read.
        ModuleNotFoundError: pycocotools is missing; the message has the command to install it.
    """

    name = "oks_map"

    def __init__(
        self,
        annotations: str | Path | Mapping[str, Any],
        *,
        category: str = "person",
        deviations: Sequence[float] | None = None,
    ) -> None:
        data = read_truth(annotations)
        known = {row["name"]: row for row in data["categories"]}
        if category not in known:
            raise ValueError(unknown("category", category, known))
        self.category = int(known[category]["id"])
        self.joints = len(known[category].get("keypoints", ()))
        self._deviations = tuple(deviations or COCO_PERSON.deviations or ())
        if self.joints != len(self._deviations):
            raise ValueError(
                f"{category!r} has {self.joints} joints, and there are deviations of "
                f"{len(self._deviations)}"
            )
        # Bodies of other kinds have other joints, or none.
        mine = [row for row in data["annotations"] if row["category_id"] == self.category]
        self._truth = indexed({**data, "annotations": mine, "categories": [known[category]]})
        self._pictures = {row["id"] for row in data["images"]}
        self.reset()

    def reset(self) -> None:
        """Forgets all pictures."""
        self._seen: set[int] = set()
        self._rows: list[dict[str, Any]] = []

    def add(self, number: int, joints: Any, scores: Any) -> None:
        """Counts poses of one picture; more of it may follow.

        Args:
            number: The picture's in the annotations.
            joints: ``(K, J, 2)``, x and y in pixels of the picture, or ``(K, J, 3)``, the score of
                each joint last, which result files want and the evaluation does not look at.
            scores: ``(K,)``, how sure each pose is.

        Raises:
            ValueError: there is no such picture, shapes do not fit, or a number is not finite.
        """
        joints, scores = np.asarray(joints, np.float64), np.asarray(scores, np.float64).reshape(-1)
        if number not in self._pictures:
            raise ValueError(f"picture {number} is not among the annotations")
        if joints.shape not in [(len(scores), self.joints, last) for last in (2, 3)]:
            raise ValueError(f"{len(scores)} poses of {self.joints} joints, got {joints.shape}")
        if not (np.isfinite(joints).all() and np.isfinite(scores).all()):
            raise ValueError(f"a pose of picture {number} is not finite")
        if joints.shape[2] == 2:
            joints = np.concatenate([joints, np.ones((*joints.shape[:2], 1))], 2)
        for pose, score in zip(joints, scores, strict=True):
            row = {"image_id": number, "category_id": self.category}
            self._rows.append({**row, "keypoints": pose.ravel().tolist(), "score": float(score)})
        self._seen.add(number)

    def get(self) -> dict[str, float]:
        """COCO's ten numbers in [0, 1]: ``oks_map`` over similarities from 0.5 to 0.95, and so on.

        Those of which there was nobody to find are left out.

        Raises:
            ValueError: there was no picture.
        """
        if not self._seen:
            raise ValueError(f"{self.name} of no pictures")
        rows, pictures = self.results(), sorted(self._seen)
        stats = evaluated(
            self._truth, rows, "keypoints", pictures, deviations=self._deviations
        ).stats
        return named(self.name, SUMMARY, stats)
