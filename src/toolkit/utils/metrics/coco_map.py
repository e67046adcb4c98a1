"""Average precision of COCO, by its own evaluation: Lin et al., 2014, arXiv 1405.0312."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.utils.boxes import to_xywh
from toolkit.utils.metrics.official_coco import ResultRows, evaluated, indexed, named, read_truth
from toolkit.utils.registry import unknown
from toolkit.utils.rle import encode_mask

FORMS = {"boxes": "bbox", "masks": "segm"}
# The numbers of COCO's summary, in its order; sizes are of objects, counts of detections.
SUMMARY = (
    *("", "_50", "_75", "_small", "_medium", "_large"),
    *("_recall_1", "_recall_10", "_recall_100"),
    *("_recall_small", "_recall_medium", "_recall_large"),
)


class COCOMeanAP(ResultRows):
    """COCO's summary of what was found in pictures, gathered picture by picture.

    What is kept of a detection is its row of COCO's result files. Only the pictures that were added
    are scored. Crowds are treated as the official evaluation does, which makes the numbers.

    Args:
        annotations: A file such as ``instances_val2017.json``, or what is in one.
        form: ``"boxes"`` or ``"masks"``.
        categories: The file's number of each class index; default all of its categories by number,
            as ``data.vision.COCODetectionDataset`` has them in ``category_ids``.

    Raises:
        ValueError: an argument is not what it must be.
        OSError: the file cannot be read.
        ModuleNotFoundError: pycocotools is missing; the message has the command to install it.
    """

    name = "coco_map"

    def __init__(
        self,
        annotations: str | Path | Mapping[str, Any],
        form: str = "boxes",
        *,
        categories: Sequence[int] | None = None,
    ) -> None:
        if form not in FORMS:
            raise ValueError(unknown("form of detections", form, FORMS))
        data = read_truth(annotations)
        self.form = form
        self._truth = indexed(data)
        self._sizes = {row["id"]: (row.get("height"), row.get("width")) for row in data["images"]}
        known = {row["id"]: row["name"] for row in data["categories"]}
        self.categories = tuple(sorted(known) if categories is None else categories)
        if strange := [number for number in self.categories if number not in {*known, -1}]:
            raise ValueError(f"categories {strange} are not among the annotations' {sorted(known)}")
        self.classes = tuple(known.get(number, "") for number in self.categories)
        self.reset()

    def reset(self) -> None:
        """Forgets all pictures."""
        self._seen: list[int] = []
        self._rows: list[dict[str, Any]] = []

    def add(self, number: int, outputs: Sequence[Any]) -> None:
        """Counts one picture.

        Args:
            number: The picture's in the annotations.
            outputs: Class indices ``(K,)``, below 0 for no detection, scores ``(K,)`` and boxes
                ``(K, 4)``, corners in pixels of the picture; for masks also ``(K, H, W)`` of 0 and
                1, as large as the picture.

        Raises:
            ValueError: there is no such picture, or it was added already; a class index is too
                large, a score is not finite, masks are missing or of another size.
        """
        if number not in self._sizes or number in self._seen:
            what = "was added twice" if number in self._seen else "is not among the annotations"
            raise ValueError(f"picture {number} {what}")
        ids, scores, boxes = (np.asarray(part) for part in outputs[:3])
        ids, scores, boxes = ids.reshape(-1), scores.reshape(-1), boxes.reshape(-1, 4)
        if not len(ids) == len(scores) == len(boxes):
            raise ValueError(f"{len(ids)} class indices, {len(scores)} scores, {len(boxes)} boxes")
        found = np.flatnonzero(ids >= 0)
        if len(found) and ids.max() >= len(self.categories):
            raise ValueError(f"class index {ids.max():g} of {len(self.categories)} classes")
        if not np.isfinite(scores[found]).all():
            raise ValueError("a detection has no finite score")
        shapes = self._shapes(number, boxes, outputs[3:])
        for place in found:
            row = {"image_id": number, "category_id": self.categories[int(ids[place])]}
            self._rows.append({**row, **shapes(place), "score": float(scores[place])})
        self._seen.append(number)

    def _shapes(self, number: int, boxes: np.ndarray, masks: Sequence[Any]) -> Any:
        """What says in a row where a detection is."""
        if self.form == "boxes":
            sides = to_xywh(boxes.astype(np.float64))
            return lambda place: {"bbox": sides[place].tolist()}
        if not masks or np.shape(masks[0]) != (len(boxes), *self._sizes[number]):
            shape = np.shape(masks[0]) if masks else None
            raise ValueError(
                f"picture {number} of {self._sizes[number]} pixels wants as large a mask of each "
                f"of {len(boxes)} detections, got {shape}"
            )
        return lambda place: {"segmentation": encode_mask(masks[0][place])}

    def get(self) -> dict[str, float]:
        """COCO's twelve numbers, each in [0, 1]: ``coco_map`` over IoU from 0.5 to 0.95, and so on.

        Those of which there was nothing to find are left out.

        Raises:
            ValueError: there was no picture.
        """
        stats = self._evaluated().stats
        return named(self.name, SUMMARY, stats)

    def per_class(self) -> dict[str, float]:
        """The average precision of each class over IoU from 0.5 to 0.95; NaN of those without."""
        evaluated = self._evaluated()
        # IoU, recall, class, size of objects (0: all), most detections (2: 100)
        precision = evaluated.eval["precision"][:, :, :, 0, 2]
        order, values = list(evaluated.params.catIds), {}
        for name, number in zip(self.classes, self.categories, strict=True):
            known = precision[:, :, order.index(number)] if number in order else np.empty(0)
            reached = known[known >= 0]
            values[name] = float(reached.mean()) if reached.size else float("nan")
        return values

    def _evaluated(self) -> Any:
        if not self._seen:
            raise ValueError(f"{self.name} of no pictures")
        return evaluated(self._truth, self.results(), FORMS[self.form], self._seen)
