"""Boxes in the labels of ``.lst`` and ``.rec`` files, as MXNet's detection iterator reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.box_rules import BoxRule, describe_box
from toolkit.data.vision.voc_annotation import AnnotationError

HEADER = 2  # numbers at least: how long the header is, how long an object
OBJECT = 5  # numbers at least: class index, left, top, right, bottom; then: difficult


@dataclass(frozen=True, eq=False)
class BoxLabelDataset(Dataset):
    """Samples ``(image, boxes, ids, difficult)`` of a data set whose labels are packed boxes.

    That is an ``ImageListDataset`` or an ``ImageRecordDataset`` with labels as MXNet's
    ``ImageDetRecordIter`` takes them: the header's length, an object's length, whatever else is in
    the header, and then of each object the class index and left, top, right and bottom as shares of
    the picture's sides, and, where there are six or more numbers, whether it is difficult. Samples
    are as those of ``VOCDetectionDataset``. Rows whose class index is below 0 are filling.

    Args:
        data: Samples ``(image, label)``.
        classes: Their names, in the order of the indices.
        invalid: What is done with a box that is none, on access: ``"raise"``, ``"skip"``, or
            ``"clip"``, as in ``VOCDetectionDataset``.

    Raises:
        AnnotationError: on access, a label is not such, or has a class beyond ``classes``.
        BoxError: on access, a box is none, and ``invalid`` is ``"raise"``.
        ValueError: there are no classes, or no such way with invalid boxes.
    """

    data: Any
    classes: tuple[str, ...]
    rule: BoxRule = field(repr=False)

    def __init__(self, data: Any, classes: Sequence[str], *, invalid: str = "raise") -> None:
        if isinstance(classes, str) or not classes:
            raise ValueError(f"classes must be the names of at least one class, got {classes!r}")
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "classes", tuple(classes))
        object.__setattr__(self, "rule", BoxRule(invalid))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        index = self.position(index)
        image, label = self.data[index]
        name = f"sample {index} of {getattr(self.data, 'path', type(self.data).__name__)}"
        rows = unpack_boxes(label, name)
        if len(rows) and rows[:, 0].max() >= len(self.classes):
            raise AnnotationError(
                f"{name} has the class index {rows[:, 0].max():g} of {len(self.classes)} classes"
            )
        height, width = image.shape[:2]
        boxes = (rows[:, 1:OBJECT] * [width, height, width, height]).astype(np.float32)

        def describe(place: int) -> str:
            return describe_box(name, place, self.classes[int(rows[place, 0])], boxes[place])

        boxes, kept = self.rule(boxes, (height, width), describe)
        difficult = rows[:, OBJECT] > 0 if rows.shape[1] > OBJECT else np.zeros(len(rows), bool)
        return image, boxes[kept], rows[kept, 0].astype(np.int64), difficult[kept]


def unpack_boxes(label: Any, name: str) -> np.ndarray:
    """The objects ``(R, 5 or more)`` of a label; ``name`` says whose it is, for a complaint.

    Raises:
        AnnotationError: it does not say its lengths, or they do not fit.
    """
    numbers = np.asarray(label, np.float64).reshape(-1)
    if len(numbers) < HEADER or not np.isfinite(numbers[:HEADER]).all():
        raise AnnotationError(f"{name} has no packed boxes for a label, but {numbers[:8]}")
    header, width = (int(number) for number in numbers[:HEADER])
    rest = len(numbers) - header
    if header < HEADER or width < OBJECT or rest < 0 or rest % width:
        raise AnnotationError(
            f"{name}: a label of {len(numbers)} numbers is not a header of {header} and objects of "
            f"{width}, which must be at least {HEADER} and {OBJECT}"
        )
    rows = numbers[header:].reshape(-1, width)
    return rows[rows[:, 0] >= 0]
