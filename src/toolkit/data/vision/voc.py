"""Pictures with boxes, in the folders of PASCAL VOC: Everingham et al., 2010."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.box_rules import BoxRule, describe_box
from toolkit.data.vision.folder import IMAGE_SUFFIXES
from toolkit.data.vision.image import read_image
from toolkit.data.vision.voc_annotation import (
    AnnotationError,
    VOCAnnotation,
    read_voc_annotation,
)
from toolkit.utils.registry import unknown

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class VOCItem:
    """A picture's file and what is in it."""

    image: Path
    boxes: np.ndarray  # (R, 4) float32, in pixels
    ids: np.ndarray  # (R,) int64 class indices
    difficult: np.ndarray  # (R,) bool


@dataclass(frozen=True, eq=False)
class VOCDetectionDataset(Dataset):
    """Samples ``(image, boxes, ids, difficult)`` of a folder as VOC 2007 and 2012 have it.

    That is ``JPEGImages/<name>.jpg``, ``Annotations/<name>.xml`` and, listing names,
    ``ImageSets/Main/<split>.txt``. The image is (H, W, 3) uint8 RGB, boxes are ``(R, 4)`` float32
    corners in pixels, ids ``(R,)`` int64, difficult ``(R,)`` bool; R may be 0. All annotations are
    read at the start, pictures on access.

    Args:
        root: The folder, or one that holds several such.
        split: A split, or several that are put together. ``"VOC2007/trainval"`` is one of the
            folder ``root/VOC2007``.
        classes: Their names in order; by default those that were found, sorted. Give those of the
            training split to every other.
        invalid: What is done with a box that is not finite, inverted, without area, or beyond
            the image by more than a pixel (one pixel is always cut off): ``"raise"``; ``"skip"``,
            which leaves it out and counts it in ``skipped``; or ``"clip"``, which cuts off what is
            beyond and skips what is then left without area.
        one_based: Files count pixels from 1 and include the last, as VOC's do: ``xmin, ymin`` are
            lowered by 1. Else the numbers are taken for edges as they stand.
        keep_empty: Pictures without objects stay.

    Raises:
        AnnotationError: a listed annotation is missing or broken, or its picture is missing.
        BoxError: a box is none, and ``invalid`` is ``"raise"``.
        ValueError: no such split, a class that is not in ``classes``, or no picture at all.
        ImageError: on access, where a picture cannot be read.
    """

    root: Path
    classes: tuple[str, ...]
    items: tuple[VOCItem, ...] = field(repr=False)
    skipped: int  # boxes that were left out

    def __init__(
        self,
        root: str | Path,
        split: str | Sequence[str] = "trainval",
        *,
        classes: Sequence[str] | None = None,
        invalid: str = "raise",
        one_based: bool = True,
        keep_empty: bool = True,
    ) -> None:
        boxes = BoxRule(invalid)
        splits = [split] if isinstance(split, str) else list(split)
        paths = [path for one in splits for path in annotation_paths(Path(root), one)]
        read = [(path, read_voc_annotation(path)) for path in paths]
        found = {thing.name for _, annotation in read for thing in annotation.objects}
        names = tuple(sorted(found)) if classes is None else tuple(classes)
        rule = _Rule(names, boxes, one_based)
        items = [rule.item(path, annotation) for path, annotation in read]
        skipped = sum(len(one.objects) for _, one in read) - sum(len(item.ids) for item in items)
        if skipped:
            logger.warning("%d boxes of %s were left out: they are none", skipped, root)
        kept = tuple(item for item in items if keep_empty or len(item.ids))
        if not kept:
            raise ValueError(
                f"{root} has no pictures to offer in {', '.join(splits) or 'no split'}"
            )
        values = {"root": Path(root), "classes": names, "items": kept, "skipped": skipped}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        item = self.items[self.position(index)]
        labels = (item.boxes.copy(), item.ids.copy(), item.difficult.copy())
        return (read_image(item.image), *labels)


def annotation_paths(root: Path, split: str) -> list[Path]:
    """The annotations that a split lists, each by the first word of a line.

    Raises:
        ValueError: there is no such list.
    """
    folder, _, name = split.rpartition("/")
    lists = root / folder / "ImageSets" / "Main"
    path = lists / f"{name}.txt"
    if not path.is_file():
        if not lists.is_dir():
            raise ValueError(f"{lists} is not there; splits are looked for in it")
        raise ValueError(
            f"{lists}: {unknown('split', name, (p.stem for p in lists.glob('*.txt')))}"
        )
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return [root / folder / "Annotations" / f"{words[0]}.xml" for words in lines if words]


@dataclass(frozen=True)
class _Rule:
    """Makes items of annotations."""

    classes: tuple[str, ...]
    boxes: BoxRule
    one_based: bool

    def item(self, path: Path, annotation: VOCAnnotation) -> VOCItem:
        for thing in annotation.objects:
            if thing.name not in self.classes:
                raise ValueError(f"{path}: {unknown('class', thing.name, self.classes)}")
        image = _picture(path, annotation.filename)
        boxes, kept = self._boxes(path, image, annotation)
        ids = [self.classes.index(thing.name) for thing in annotation.objects]
        difficult = [thing.difficult for thing in annotation.objects]
        return VOCItem(
            image, boxes[kept], np.array(ids, np.int64)[kept], np.array(difficult, bool)[kept]
        )

    def _boxes(
        self, path: Path, image: Path, annotation: VOCAnnotation
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes ``(R, 4)``, cut to the image, and which of them to keep ``(R,)``."""
        written = np.array([thing.box for thing in annotation.objects], np.float32).reshape(-1, 4)
        edges = written - np.array([1, 1, 0, 0], np.float32) * self.one_based
        height, width = annotation.size or read_image(image).shape[:2]

        def describe(place: int) -> str:
            thing = annotation.objects[place]
            return describe_box(str(path), place, thing.name, thing.box)

        # Equal corners are a slip of the annotator's hand, not an object of one pixel.
        good = (written[:, 2:] > written[:, :2]).all(1)
        return self.boxes(edges, (height, width), describe, good=good)


def _picture(annotation: Path, filename: str) -> Path:
    """The picture of an annotation: of its name, else of the name that it gives."""
    folder = annotation.parent.parent / "JPEGImages"
    names = [f"{annotation.stem}.jpg", *([filename] if filename else [])]
    names += [annotation.stem + suffix for suffix in IMAGE_SUFFIXES]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise AnnotationError(f"{annotation} is of a picture that is not there: {folder / names[0]}")
