"""How detections are scored: as the official evaluation of the folder's kind does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.vision import COCODetectionDataset, ImagePreset
from toolkit.utils.masks import paste_masks
from toolkit.utils.metrics import COCOMeanAP, VOCMeanAP

import numpy as np

FORMS = ("boxes", "masks")
BRIEF = ("coco_map", "coco_map_50")  # of COCO's numbers


class COCOScores:
    """COCO's numbers of boxes and, where a network finds them, of masks.

    Batches come in the order of the pictures; what is true is read from the annotations, not from
    the labels of the batches.

    Args:
        data: The pictures.
        preset: What they were resized by.
        brief: Only mean average precision, and that at an IoU of 0.5.
    """

    name = "boxes_coco_map"  # the number that stands for all

    def __init__(
        self, data: COCODetectionDataset, preset: ImagePreset, *, brief: bool = False
    ) -> None:
        self._data, self._preset, self._brief = data, preset, brief
        self._metrics = {
            form: COCOMeanAP(data.annotations, form, categories=data.category_ids) for form in FORMS
        }
        self.reset()

    def reset(self) -> None:
        """Forgets all pictures."""
        self._items = iter(self._data.items)
        self._forms: Sequence[str] = FORMS[:1]
        for metric in self._metrics.values():
            metric.reset()

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts the next pictures: class indices, scores, boxes and, if any, masks of each."""
        arrays = [part if isinstance(part, np.ndarray) else part.asnumpy() for part in outputs]
        self._forms = FORMS[: len(arrays) - 2]
        for ids, scores, boxes, *masks in zip(*arrays, strict=True):
            item = next(self._items)
            seen = self._preset.size_of(np.broadcast_to(np.uint8(0), (*item.size, 3)))
            found = ids[:, 0] >= 0
            boxes = boxes[found] / np.divide(seen, item.size)[[1, 0, 1, 0]]
            row = ids[found, 0], scores[found, 0], boxes
            self._metrics["boxes"].add(item.number, row)
            if masks:
                drawn = paste_masks(masks[0][found], boxes, item.size)
                self._metrics["masks"].add(item.number, (*row, drawn))

    def get(self) -> dict[str, float]:
        """The numbers, such as ``boxes_coco_map``, in [0, 1]."""
        values = {
            f"{form}_{key}": value
            for form in self._forms
            for key, value in self._metrics[form].get().items()
            if key in BRIEF or not self._brief
        }
        return values

    def save(self, folder: Path) -> None:
        """Writes what was found as COCO's result files, ``boxes.json`` and ``masks.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        for form in self._forms:
            self._metrics[form].save(folder / f"{form}.json")


def scores_of(data: Any, preset: ImagePreset, *, brief: bool = False, **voc: Any) -> Any:
    """A metric for such pictures: COCO's numbers, or VOC's mean average precision.

    ``voc`` are options of ``VOCMeanAP``.
    """
    if isinstance(data, COCODetectionDataset):
        return COCOScores(data, preset, brief=brief)
    return VOCMeanAP(data.classes, **voc)
