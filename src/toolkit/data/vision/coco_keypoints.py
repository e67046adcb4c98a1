"""Persons with their joints, as COCO has them: Lin et al., 2014, arXiv 1405.0312."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.box_rules import BoxRule, describe_box
from toolkit.data.vision.coco import pictures_of
from toolkit.data.vision.coco_annotation import (
    COCOAnnotations,
    COCOPicture,
    read_coco_annotations,
)
from toolkit.data.vision.image import read_image
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.boxes import from_xywh
from toolkit.utils.registry import unknown
from toolkit.utils.skeletons import Skeleton

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PersonItem:
    """One person of a picture."""

    number: int  # the picture's, in the annotations
    image: Path
    size: tuple[int, int]  # height, width
    box: np.ndarray  # (4,) float32, in pixels
    joints: np.ndarray  # (J, 3) float32: x, y in pixels; 0 unlabelled, 1 hidden, 2 visible
    score: float = 1.0  # of the box, where a detector found it


@dataclass(frozen=True)
class _Body:
    """One that is wanted, before its box is looked at."""

    box: tuple[float, ...]  # left, top, width, height
    joints: np.ndarray
    score: float = 1.0


@dataclass(frozen=True, eq=False)
class COCOKeypointDataset(Dataset):
    """Samples ``(image, box, joints)``, one for each person of COCO's files.

    The image is (H, W, 3) uint8 RGB, the box ``(4,)`` float32 corners in pixels, joints are
    ``(J, 3)`` float32: x and y in pixels, and 2 for a joint that is seen, 1 for one that is
    hidden, 0 for one that is not labelled. Crowds are left out. Annotations are read at the start,
    pictures on access.

    Args:
        annotations: The file, such as ``annotations/person_keypoints_val2017.json``.
        images: The folder of the pictures; default: the one beside ``annotations`` that has the
            name's last part, such as ``val2017``.
        category: Of the bodies; another kind has other joints.
        least: Bodies with fewer joints labelled are left out.
        detections: A file of boxes that a detector found, as COCO's result files have them. Samples
            are those of the category, then, and none of their joints is labelled.
        invalid: What is done with a box that is not finite, without area, or beyond the image by
            more than a pixel: ``"raise"``; ``"skip"``, counted in ``skipped``; or ``"clip"``.

    Raises:
        AnnotationError: a file is missing or broken, or a picture is missing.
        BoxError: a box is none, and ``invalid`` is ``"raise"``.
        ValueError: there is no such category, it has no joints, or there is nobody at all.
        ImageError: on access, where a picture cannot be read.
    """

    annotations: Path
    skeleton: Skeleton
    items: tuple[PersonItem, ...] = field(repr=False)
    pictures: tuple[int, ...] = field(repr=False)  # numbers of all, with persons and without
    skipped: int  # boxes that were left out

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path | None = None,
        *,
        category: str = "person",
        least: int = 1,
        invalid: str = "raise",
        detections: str | Path | None = None,
    ) -> None:
        path = Path(annotations)
        read = read_coco_annotations(path)
        number = _number_of(category, read, path)
        folder = pictures_of(path) if images is None else Path(images)
        rule = BoxRule(invalid, least=1e-3)  # as of COCO's objects
        joints = len(read.skeletons[number].labels)
        if detections is None:
            bodies = {p.id: _annotated(p, number, joints, least) for p in read.pictures}
        else:
            bodies = _detected(Path(detections), number, joints)
        wanted = sum(len(bodies.get(picture.id, ())) for picture in read.pictures)
        items = [
            item
            for picture in read.pictures
            for item in _items(picture, bodies.get(picture.id, []), folder, rule)
        ]
        if wanted > len(items):
            logger.warning("%d boxes of %s were left out: they are none", wanted - len(items), path)
        if not items:
            what = f"with {least} joints or more" if detections is None else f"in {detections}"
            raise ValueError(f"{path} has no {category} {what}")
        values = {
            "annotations": path,
            "skeleton": read.skeletons[number],
            "items": tuple(items),
            "pictures": tuple(picture.id for picture in read.pictures),
            "skipped": wanted - len(items),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        item = self.items[self.position(index)]
        image = read_image(item.image)
        if image.shape[:2] != item.size:
            raise AnnotationError(
                f"{item.image} is of {image.shape[:2]} pixels, and {self.annotations} says "
                f"{item.size}"
            )
        return image, item.box.copy(), item.joints.copy()


def _number_of(category: str, read: COCOAnnotations, path: Path) -> int:
    numbers = {name: number for number, name in read.categories.items()}
    if category not in numbers:
        raise ValueError(f"{path}: {unknown('category', category, numbers)}")
    if numbers[category] not in read.skeletons:
        raise ValueError(
            f"{path} has no joints of {category!r}; COCO's files that have are called "
            "person_keypoints_..."
        )
    return numbers[category]


def _annotated(picture: COCOPicture, number: int, joints: int, least: int) -> list[_Body]:
    """The bodies of a picture, by its annotations."""
    things = [thing for thing in picture.objects if thing.category == number and not thing.crowd]
    empty = (0.0,) * (3 * joints)
    bodies = [
        _Body(thing.box, np.array(thing.keypoints or empty, np.float32).reshape(joints, 3))
        for thing in things
    ]
    return [body for body in bodies if (body.joints[:, 2] > 0).sum() >= least]


def _detected(path: Path, number: int, joints: int) -> dict[int, list[_Body]]:
    """The bodies of each picture, by a result file."""
    found: dict[int, list[_Body]] = {}
    try:
        for row in json.loads(path.read_text(encoding="utf-8")):
            left, top, width, height = map(float, row["bbox"])
            if row["category_id"] == number:
                unknown_joints = np.zeros((joints, 3), np.float32)
                body = _Body((left, top, width, height), unknown_joints, float(row["score"]))
                found.setdefault(int(row["image_id"]), []).append(body)
    except OSError as error:
        raise AnnotationError(f"cannot read the detections {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(
            f"{path} is no file of detections, as COCO has them: {error}"
        ) from error
    return found


def _items(
    picture: COCOPicture, bodies: list[_Body], folder: Path, rule: BoxRule
) -> list[PersonItem]:
    image = folder / picture.filename
    if bodies and not image.is_file():
        raise AnnotationError(f"the annotations name a picture that is not there: {image}")
    boxes = from_xywh(np.array([body.box for body in bodies], np.float64).reshape(-1, 4))

    def describe(place: int) -> str:
        return describe_box(str(image), place, "body", bodies[place].box)

    boxes, kept = rule(boxes.astype(np.float32), picture.size, describe)
    return [
        PersonItem(picture.id, image, picture.size, box, body.joints, body.score)
        for box, body, keep in zip(boxes, bodies, kept, strict=True)
        if keep
    ]
