"""Pictures for the classification scripts: where they come from, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.data import Dataset
from toolkit.data.vision import ImageFolderDataset, ImagePreset, ImageRecordDataset, transforms

import numpy as np

Sample = tuple[np.ndarray, int]


def open_images(path: Path, classes: Sequence[str] | None = None) -> Dataset:
    """The pictures of a ``.rec`` file, or of a folder with one folder a class."""
    if path.suffix == ".rec":
        return ImageRecordDataset(path)
    return ImageFolderDataset(path, classes)


def count_classes(data: Dataset, given: int | None) -> int:
    """The number of classes: as given, else that of the folders."""
    names = getattr(data, "classes", ())
    if given is None and not names:
        raise SystemExit("error: a record file does not say how many classes there are: --classes")
    if given is not None and len(names) > given:
        raise SystemExit(f"error: {len(names)} folders are more than --classes {given}")
    return given or len(names)


@dataclass(frozen=True)
class Augment:
    """What a picture goes through in training."""

    preset: ImagePreset  # its size and normalization
    scale: tuple[float, float] = (0.08, 1.0)  # of the crop's area
    jitter: float = 0.0  # of brightness, contrast and saturation
    lighting: float = 0.0  # deviation of the weights of the principal colours

    def __call__(self, sample: tuple[np.ndarray, float], rng: np.random.Generator) -> Sample:
        image, label = sample
        image = transforms.random_resized_crop(image, self.preset.size, rng, scale=self.scale)
        image = transforms.random_flip(image, rng)
        if self.jitter:
            image = transforms.color_jitter(
                image,
                rng,
                brightness=self.jitter,
                contrast=self.jitter,
                saturation=self.jitter,
            )
        if self.lighting:
            image = transforms.random_lighting(image, rng, self.lighting)
        return transforms.normalize(image, self.preset.mean, self.preset.std), int(label)


@dataclass(frozen=True)
class Prepare:
    """What a picture goes through to be scored."""

    preset: ImagePreset

    def __call__(self, sample: tuple[np.ndarray, float]) -> Sample:
        return self.preset(sample[0]), int(sample[1])
