"""Pictures with boxes and masks, as COCO has them: Lin et al., 2014, arXiv 1405.0312."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.box_rules import BoxRule, describe_box
from toolkit.data.vision.coco_annotation import (
    COCOObject,
    COCOPicture,
    draw_segmentation,
    read_coco_annotations,
)
from toolkit.data.vision.image import read_image
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.boxes import from_xywh
from toolkit.utils.registry import unknown

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class COCOItem:
    """A picture's file and what is in it."""

    number: int  # the picture's, in the annotations
    image: Path
    size: tuple[int, int]  # height, width
    boxes: np.ndarray  # (R, 4) float32, in pixels
    ids: np.ndarray  # (R,) int64 class indices
    crowd: np.ndarray  # (R,) bool
    objects: tuple[COCOObject, ...] = field(repr=False)  # the same R, as the file has them


@dataclass(frozen=True, eq=False)
class COCODetectionDataset(Dataset):
    """Samples ``(image, boxes, ids, crowd)``, with ``masks`` also ``masks``, of COCO's files.

    The image is (H, W, 3) uint8 RGB, boxes are ``(R, 4)`` float32 corners in pixels, ids ``(R,)``
    int64, crowd ``(R,)`` bool, masks ``(R, H, W)`` uint8 of 0 and 1; R may be 0. Annotations are
    read at the start, pictures and masks on access.

    Args:
        annotations: The file, such as ``annotations/instances_val2017.json``.
        images: The folder of the pictures; default: the one beside ``annotations`` that has the
            name's last part, such as ``val2017``.
        classes: Names in order; by default all categories by number. Class indices are places in
            it, not the file's category numbers.
        masks: Samples have masks.
        crowd: Crowds are kept and flagged; False leaves them out. What learns single objects
            should not see them; the metric ignores what is found in them.
        invalid: What is done with a box that is not finite, without area, or beyond the image by
            more than a pixel: ``"raise"``; ``"skip"``, counted in ``skipped``; or ``"clip"``.
        keep_empty: Pictures without objects stay.

    Raises:
        AnnotationError: the file is missing or broken, or a picture is missing.
        BoxError: a box is none, and ``invalid`` is ``"raise"``.
        ValueError: a category is not in ``classes``, or there is no picture at all.
        ImageError: on access, where a picture cannot be read.
    """

    annotations: Path
    classes: tuple[str, ...]
    category_ids: tuple[int, ...]  # the file's number of each class; -1 for one it does not have
    items: tuple[COCOItem, ...] = field(repr=False)
    skipped: int  # boxes that were left out, crowds not among them
    masks: bool

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path | None = None,
        *,
        classes: Sequence[str] | None = None,
        masks: bool = False,
        crowd: bool = True,
        invalid: str = "raise",
        keep_empty: bool = True,
    ) -> None:
        path = Path(annotations)
        rule = BoxRule(invalid, least=1e-3)  # COCO has objects narrower than a pixel
        read = read_coco_annotations(path)
        names = tuple(read.categories.values()) if classes is None else tuple(classes)
        numbers = {name: number for number, name in read.categories.items()}
        places = {numbers[name]: place for place, name in enumerate(names) if name in numbers}
        used = {thing.category for picture in read.pictures for thing in picture.objects}
        for number in sorted(used - places.keys()):
            raise ValueError(f"{path}: {unknown('class', read.categories[number], names)}")
        folder = pictures_of(path) if images is None else Path(images)
        make = _Maker(folder, names, places, rule, crowd)
        items = [make.item(picture) for picture in read.pictures]
        skipped = make.wanted(read.pictures) - sum(len(item.ids) for item in items)
        if skipped:
            logger.warning("%d boxes of %s were left out: they are none", skipped, path)
        kept = tuple(item for item in items if keep_empty or len(item.ids))
        if not kept:
            raise ValueError(f"{path} has no pictures to offer")
        values = {
            "annotations": path,
            "classes": names,
            "category_ids": tuple(numbers.get(name, -1) for name in names),
            "items": kept,
            "skipped": skipped,
            "masks": masks,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        item = self.items[self.position(index)]
        image = read_image(item.image)
        if image.shape[:2] != item.size:
            raise AnnotationError(
                f"{item.image} is of {image.shape[:2]} pixels, and {self.annotations} says "
                f"{item.size}"
            )
        sample = (image, item.boxes.copy(), item.ids.copy(), item.crowd.copy())
        return (*sample, self.draw(index)) if self.masks else sample

    def draw(self, index: int) -> np.ndarray:
        """The masks ``(R, H, W)`` uint8 of a picture's objects."""
        item = self.items[self.position(index)]
        drawn = [draw_segmentation(o.segmentation, item.size, o.box) for o in item.objects]
        return np.stack(drawn) if drawn else np.zeros((0, *item.size), np.uint8)


def pictures_of(annotations: Path) -> Path:
    """The folder of the pictures of ``annotations/instances_<split>.json``, ``<split>``.

    Raises:
        AnnotationError: it is not there.
    """
    root, split = annotations.parent.parent, annotations.stem.rpartition("_")[2]
    for folder in (root / split, root / "images" / split):
        if folder.is_dir():
            return folder
    raise AnnotationError(f"{root / split} is not there; give the folder of the pictures: images=")


@dataclass(frozen=True)
class _Maker:
    """Makes items of annotated pictures."""

    folder: Path
    classes: tuple[str, ...]
    places: dict[int, int]  # class index of each category
    rule: BoxRule
    crowd: bool

    def item(self, picture: COCOPicture) -> COCOItem:
        image = self.folder / picture.filename
        if not image.is_file():
            raise AnnotationError(f"the annotations name a picture that is not there: {image}")
        things = self._things(picture)
        boxes = from_xywh(np.array([thing.box for thing in things], np.float64).reshape(-1, 4))

        def describe(place: int) -> str:
            name = self.classes[self.places[things[place].category]]
            return describe_box(str(image), place, name, things[place].box)

        boxes, kept = self.rule(boxes.astype(np.float32), picture.size, describe)
        ids = np.array([self.places[thing.category] for thing in things], np.int64)
        crowd = np.array([thing.crowd for thing in things], bool)
        objects = tuple(thing for thing, keep in zip(things, kept, strict=True) if keep)
        return COCOItem(
            picture.id, image, picture.size, boxes[kept], ids[kept], crowd[kept], objects
        )

    def wanted(self, pictures: Sequence[COCOPicture]) -> int:
        """How many objects there would be if all boxes were good."""
        return sum(len(self._things(picture)) for picture in pictures)

    def _things(self, picture: COCOPicture) -> list[COCOObject]:
        return [thing for thing in picture.objects if self.crowd or not thing.crowd]
