"""Pictures in one folder per class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.image import read_image
from toolkit.utils.registry import unknown

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".ico", ".jp2", ".avif"),
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFolderDataset(Dataset):
    """Samples ``(image, class index)`` of ``root/<class>/<picture>``.

    The image is (H, W, 3) uint8 RGB. Classes are the folders' names, sorted, unless ``classes``
    gives another order (a validation set may lack some). Hidden and other files are passed over.

    Raises:
        ValueError: no such folder, no picture in it, or a class folder that is not in ``classes``.
        ImageError: on access, where a picture cannot be read.
    """

    root: Path
    classes: tuple[str, ...]
    items: tuple[tuple[Path, int], ...] = field(repr=False)  # path, class index

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None) -> None:
        folders = class_folders(Path(root))
        names = tuple(folder.name for folder in folders) if classes is None else tuple(classes)
        items: list[tuple[Path, int]] = []
        for folder in folders:
            if folder.name not in names:
                raise ValueError(f"{folder}: {unknown('class', folder.name, names)}")
            label = names.index(folder.name)
            items += [(path, label) for path in pictures(folder)]
        if not items:
            raise ValueError(f"{root} has no pictures in its {len(folders)} class folders")
        object.__setattr__(self, "root", Path(root))
        object.__setattr__(self, "classes", names)
        object.__setattr__(self, "items", tuple(items))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        path, label = self.items[self.position(index)]
        return read_image(path), label


def class_folders(root: Path) -> list[Path]:
    """The folders below ``root`` that are not hidden, sorted by name."""
    if not root.is_dir():
        raise ValueError(f"{root} is {'no folder' if root.exists() else 'not there'}")
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise ValueError(f"{root} has no folders; pictures are looked for in {root}/<class>/")
    return folders


def pictures(folder: Path) -> list[Path]:
    """The image files directly in a folder, sorted by name."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES or path.is_dir():
            logger.debug("%s is passed over: it is hidden or no image file", path)
        else:
            found.append(path)
    if not found:
        logger.warning("the class folder %s has no pictures", folder)
    return found
