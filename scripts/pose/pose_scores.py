"""How poses are scored: as COCO's evaluation does, in pixels of the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.data.vision import COCOKeypointDataset, pose_scores, read_heatmaps
from toolkit.data.vision.transforms import move_points
from toolkit.utils.boxes import area
from toolkit.utils.metrics import KeypointMeanAP
from toolkit.utils.pose_similarity import suppress_poses

import numpy as np

BRIEF = ("oks_map", "oks_map_50")  # of COCO's numbers


class PoseScores:
    """COCO's numbers of poses, in the boxes of the annotations or of a detector.

    Batches come in the order of the persons; what is true is read from the annotations, not from
    the labels of the batches. A pose's score is that of its joints times that of its box. Of poses
    of one picture that are alike the best is kept.

    Args:
        data: The persons.
        stride: Pixels to a cell of the heat maps.
        refine: How a place within a cell is found, as ``read_heatmaps`` has it.
        brief: Only the average precision, and that at a similarity of 0.5.
    """

    name = KeypointMeanAP.name

    def __init__(
        self,
        data: COCOKeypointDataset,
        *,
        stride: int = 4,
        refine: str = "quarter",
        brief: bool = False,
    ) -> None:
        self._data, self._stride, self._refine, self._brief = data, stride, refine, brief
        self._deviations = data.skeleton.deviations
        self._metric = KeypointMeanAP(data.annotations, deviations=self._deviations)
        self.reset()

    def reset(self) -> None:
        """Forgets all pictures."""
        self._items = iter(self._data.items)
        # Joints (J, 3), score and area of the box of each person, by the picture's number.
        self._found: dict[int, list[tuple[np.ndarray, float, float]]] = {
            number: [] for number in self._data.pictures
        }

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts the next persons: heat maps, and what leads back to their pictures."""
        parts = (outputs, labels[2])
        maps, back = (p if isinstance(p, np.ndarray) else p.asnumpy() for p in parts)
        places, scores = read_heatmaps(maps, self._refine)
        places = move_points(places * self._stride, back)
        joints = np.concatenate([places, scores[..., None]], 2)
        for pose, score in zip(joints, pose_scores(scores), strict=True):
            item = next(self._items)
            row = pose, float(score) * item.score, float(area(item.box))
            self._found[item.number].append(row)

    def _gathered(self) -> KeypointMeanAP:
        self._metric.reset()
        for number, rows in self._found.items():
            joints = np.array([row[0] for row in rows]).reshape(len(rows), self._metric.joints, 3)
            scores, areas = (np.array([row[i] for row in rows]) for i in (1, 2))
            kept = suppress_poses(joints[..., :2], scores, areas, deviations=self._deviations)
            self._metric.add(number, joints[kept], scores[kept])
        return self._metric

    def get(self) -> dict[str, float]:
        """The numbers, such as ``oks_map``, in [0, 1]."""
        values = self._gathered().get()
        return {key: value for key, value in values.items() if key in BRIEF or not self._brief}

    def save(self, path: Path) -> None:
        """Writes what was found as one of COCO's result files."""
        self._gathered().save(path)
