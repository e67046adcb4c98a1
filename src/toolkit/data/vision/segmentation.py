"""Pictures with a class for every pixel, in the folders of the usual data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from toolkit.data.dataset import Dataset
from toolkit.data.vision.image import ImageError, read_image
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.registry import unknown

VOID = -1  # class index of a pixel that is of none


@dataclass(frozen=True)
class SegmentationLayout:
    """Where a data set keeps its pictures and masks, and what the masks say."""

    images: str  # pattern of the pictures of a {split}, below the root
    mask: str  # of a picture called {stem}, in a {folder}
    values: Sequence[int]  # what stands in a mask for each class; whatever else does is void
    labels: str  # name of the set of their labels
    listing: str | None = None  # file of the names of a {split}; then images has {stem}
    suffix: str = ""  # of the pictures' names, which those of masks lack


LAYOUTS: Mapping[str, SegmentationLayout] = {
    "voc": SegmentationLayout(
        "JPEGImages/{stem}.jpg",
        "SegmentationClass/{stem}.png",
        range(21),
        "voc_segmentation",
        listing="ImageSets/Segmentation/{split}.txt",
    ),
    "ade20k": SegmentationLayout(
        "images/{split}/*.jpg", "annotations/{split}/{stem}.png", range(1, 151), "ade20k"
    ),
    "cityscapes": SegmentationLayout(
        "leftImg8bit/{split}/*/*_leftImg8bit.png",
        "gtFine/{split}/{folder}/{stem}_gtFine_labelIds.png",
        (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33),
        "cityscapes",
        suffix="_leftImg8bit",
    ),
    "camvid": SegmentationLayout("{split}/*.png", "{split}annot/{stem}.png", range(11), "camvid"),
}


@dataclass(frozen=True, eq=False)
class SegmentationDataset(Dataset):
    """Samples ``(image, ids)``: (H, W, 3) uint8 RGB, and (H, W) int32 class indices, -1 for void.

    Args:
        root: The folder.
        split: A part of it, such as ``"train"``; ``""`` where files are directly in its folders.
        layout: Which files, as a name in ``LAYOUTS`` or a layout of your own.
        classes: Their names; default ``class 0`` and so on. ``layout.labels`` names a label set of
            the model zoo.

    Raises:
        ValueError: there is no such layout, no picture, or another number of names.
        AnnotationError: a picture has no mask; on access, a mask is not of its picture's size.
        ImageError: on access, where a picture or a mask cannot be read.
    """

    root: Path
    layout: SegmentationLayout
    classes: tuple[str, ...]
    items: tuple[tuple[Path, Path], ...] = field(repr=False)  # picture, mask

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        layout: SegmentationLayout | str,
        classes: Sequence[str] | None = None,
    ) -> None:
        if isinstance(layout, str):
            if layout not in LAYOUTS:
                raise ValueError(unknown("layout", layout, LAYOUTS))
            layout = LAYOUTS[layout]
        names = tuple(classes or (f"class {i}" for i in range(len(layout.values))))
        if len(names) != len(layout.values):
            raise ValueError(f"{len(names)} names for {len(layout.values)} classes")
        found = _pictures(Path(root), split, layout)
        items = tuple((path, _mask(Path(root), split, layout, path)) for path in found)
        values = {"root": Path(root), "layout": layout, "classes": names, "items": items}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        path, mask = self.items[self.position(index)]
        image, ids = read_image(path), read_mask(mask, self.layout.values)
        if ids.shape != image.shape[:2]:
            raise AnnotationError(f"{mask} is {ids.shape}, and its picture {image.shape[:2]}")
        return image, ids


def read_mask(path: Path, values: Sequence[int]) -> np.ndarray:
    """Class indices ``(H, W)`` int32 of a file of one number a pixel, -1 for what is not in values.

    Raises:
        ImageError: the file cannot be read, or has colours without a palette.
    """
    try:
        with Image.open(path) as file:
            if file.mode not in ("P", "L"):
                raise ImageError(f"{path} has colours ({file.mode}); a mask has one number a pixel")
            numbers = np.array(file)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error}") from error
    table = np.full(256, VOID, np.int32)
    table[list(values)] = np.arange(len(values))
    found: np.ndarray = table[numbers]
    return found


def _pictures(root: Path, split: str, layout: SegmentationLayout) -> list[Path]:
    if layout.listing is None:
        pattern = layout.images.format(split=split)
        found = sorted(root.glob(pattern.replace("//", "/")))
        if not found:
            raise ValueError(f"{root} has no pictures {pattern}")
        return found
    listing = root / layout.listing.format(split=split)
    if not listing.is_file():
        raise ValueError(f"{listing} is not there; it lists the pictures of {split!r}")
    names = listing.read_text(encoding="utf-8").split()
    if not names:
        raise ValueError(f"{listing} lists no pictures")
    return [root / layout.images.format(stem=name) for name in names]


def _mask(root: Path, split: str, layout: SegmentationLayout, image: Path) -> Path:
    stem = image.stem.removesuffix(layout.suffix)
    path = root / layout.mask.format(split=split, folder=image.parent.name, stem=stem)
    if not path.is_file():
        raise AnnotationError(f"{image} has no mask: {path} is not there")
    return path
