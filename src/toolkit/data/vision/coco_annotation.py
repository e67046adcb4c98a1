"""COCO's annotation files: the objects of all pictures of a split, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.rle import RLEError, decode_mask
from toolkit.utils.skeletons import Skeleton, find_skeleton

# Polygons, each its points' x and y in turn, or a run-length mask.
Segmentation = Sequence[Sequence[float]] | Mapping[str, Any]
JOINTS = "keypoints"  # their names in a category, their places in an annotation


@dataclass(frozen=True)
class COCOObject:
    """One object as the file has it."""

    category: int
    box: tuple[float, ...]  # left, top, width, height
    crowd: bool  # a crowd of objects, annotated as one
    segmentation: Segmentation | None = field(default=None, repr=False)
    keypoints: tuple[float, ...] = field(default=(), repr=False)  # x, y, visibility of each joint


@dataclass(frozen=True)
class COCOPicture:
    """One picture and what is in it."""

    id: int
    filename: str
    size: tuple[int, int]  # height, width
    objects: tuple[COCOObject, ...]


@dataclass(frozen=True)
class COCOAnnotations:
    """One file."""

    categories: Mapping[int, str]  # names by number, in the order of the numbers, which have gaps
    pictures: tuple[COCOPicture, ...]  # in the file's order
    skeletons: Mapping[int, Skeleton]  # of the categories that have joints, by number


def read_coco_annotations(path: Path) -> COCOAnnotations:
    """Reads a file of instances, or of persons with joints.

    Raises:
        AnnotationError: it is missing, no JSON, or lacks a part; an object is of a picture or of a
            category that is not there; joints are not as many as their names.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnnotationError(f"cannot read the annotations {path}: {error.strerror}") from error
    except ValueError as error:
        raise AnnotationError(f"{path} is no JSON: {error}") from error
    try:
        categories = {int(row["id"]): str(row["name"]) for row in data["categories"]}
        skeletons = {int(row["id"]): _skeleton(row) for row in data["categories"] if JOINTS in row}
        objects: dict[int, list[COCOObject]] = {int(row["id"]): [] for row in data["images"]}
        for row in data["annotations"]:
            _check(row, objects, categories, path)
            objects[row["image_id"]].append(_object(row, skeletons.get(row["category_id"])))
        pictures = tuple(
            COCOPicture(
                int(row["id"]),
                str(row["file_name"]),
                (int(row["height"]), int(row["width"])),
                tuple(objects[row["id"]]),
            )
            for row in data["images"]
        )
    except (KeyError, TypeError) as error:
        raise AnnotationError(
            f"{path} must hold images, annotations and categories as COCO's files do; "
            f"missing or wrong: {error}"
        ) from error
    return COCOAnnotations(dict(sorted(categories.items())), pictures, skeletons)


def _skeleton(row: Mapping[str, Any]) -> Skeleton:
    """The joints of a category; COCO's own where they have its names."""
    labels = tuple(str(name).replace("_", " ") for name in row[JOINTS])
    bones = tuple((int(a) - 1, int(b) - 1) for a, b in row.get("skeleton", ()))
    known = find_skeleton(labels)
    return known if known.bones else Skeleton(labels, bones)


def _check(
    row: Mapping[str, Any], pictures: Mapping[int, Any], categories: Mapping[int, str], path: Path
) -> None:
    for key, known in (("image_id", pictures), ("category_id", categories)):
        if row[key] not in known:
            raise AnnotationError(
                f"{path}: annotation {row.get('id')} has the {key} {row[key]}, which is not there"
            )


def _object(row: Mapping[str, Any], skeleton: Skeleton | None) -> COCOObject:
    box = tuple(float(side) for side in row["bbox"])
    if len(box) != 4:
        raise KeyError(f"a bbox of four numbers in annotation {row.get('id')}")
    joints = tuple(float(value) for value in row.get(JOINTS, ()))
    if joints and len(joints) != 3 * len(skeleton.labels if skeleton else ()):
        raise KeyError(f"three numbers for each joint in annotation {row.get('id')}")
    crowd = bool(row.get("iscrowd", 0))
    return COCOObject(int(row["category_id"]), box, crowd, row.get("segmentation"), joints)


def draw_segmentation(
    segmentation: Segmentation | None, size: tuple[int, int], box: Sequence[float]
) -> np.ndarray:
    """The mask ``(H, W)`` uint8 of an object; its box filled, where it has no segmentation.

    A pixel belongs to a polygon where its centre does; the official rasterization differs along
    the edges. Scores do not depend on it: the metric is given the segmentation itself.

    Raises:
        AnnotationError: it is neither polygons nor a run-length mask of that size.
    """
    if not segmentation:
        left, top, width, height = box
        right, bottom = left + width, top + height
        segmentation = [[left, top, right, top, right, bottom, left, bottom]]
    try:
        if isinstance(segmentation, Mapping):
            mask = decode_mask(segmentation)
        else:
            mask = _fill(segmentation, size)
    except (RLEError, ValueError, TypeError) as error:
        raise AnnotationError(f"no polygons and no run-length mask: {error}") from error
    if mask.shape != size:
        raise AnnotationError(f"a mask of {mask.shape} pixels is of a picture of {size}")
    return mask


def _fill(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, bool)
    for polygon in polygons:
        mask |= _inside(np.asarray(polygon, np.float64).reshape(-1, 2), size)
    return mask.astype(np.uint8)


def _inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels ``(H, W)`` bool whose centres an odd number of edges lies to the left of."""
    height, width = size
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    rows = np.arange(height)[:, None] + 0.5
    edges, lines = np.nonzero(((y0 <= rows) != (y1 <= rows)).T)
    share = (lines + 0.5 - y0[edges]) / (y1 - y0)[edges]
    crossings = x0[edges] + share * (x1 - x0)[edges]
    columns = np.clip(np.ceil(crossings - 0.5), 0, width).astype(int)
    turns = np.zeros((height, width + 1), np.int64)
    np.add.at(turns, (lines, columns), 1)
    return turns.cumsum(axis=1)[:, :width] % 2 == 1
