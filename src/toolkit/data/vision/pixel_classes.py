"""What pictures with a class for every pixel go through on their way to a segmenter, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.vision.presets import IMAGENET_MEAN, IMAGENET_STD
from toolkit.data.vision.segmentation import VOID
from toolkit.data.vision.transforms.color import color_jitter
from toolkit.data.vision.transforms.geometry import height_width, resize
from toolkit.data.vision.transforms.tensor import normalize

Sample = tuple[np.ndarray, np.ndarray]  # image (H, W, 3) uint8, class indices (H, W)
GRAY = (124, 116, 104)  # about the mean of photographs


@dataclass(frozen=True)
class PixelAugment:
    """Random changes of a picture and the classes of its pixels in training.

    Called with a sample ``(image, ids)`` and a generator it gives another, of ``size``: scaled,
    mirrored, its colours changed, and a part cut out; where it is smaller, gray and void surround
    it. The picture may have any size.
    """

    size: tuple[int, int]  # (height, width) of the part
    smallest: float = 0.5  # what its sides are multiplied by, at least
    largest: float = 2.0  # and at most
    flip: float = 0.5  # probability of the mirror image, left to right
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", height_width(self.size))
        if not 0 < self.smallest <= self.largest:
            raise ValueError(
                f"smallest must be above 0 and not above largest, got {self.smallest!r} and "
                f"{self.largest!r}"
            )

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Changes one picture."""
        image, ids = sample
        factor = float(rng.uniform(self.smallest, self.largest))
        height, width = (max(round(side * factor), 1) for side in ids.shape)
        sides = height, width
        image = resize(image, sides, "area" if factor < 1 else "bilinear")
        ids = resize(ids, sides, "nearest")
        if rng.random() < self.flip:
            image, ids = image[:, ::-1], ids[:, ::-1]
        image, ids = _cut(np.ascontiguousarray(image), np.ascontiguousarray(ids), self.size, rng)
        image = color_jitter(
            image,
            rng,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
        )
        return image, ids


def _cut(
    image: np.ndarray, ids: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> Sample:
    """A part at random; a smaller picture is laid somewhere on gray."""
    part = np.empty((*size, 3), np.uint8)
    part[:] = GRAY
    classes = np.full(size, VOID, ids.dtype)
    source: list[slice] = []
    target: list[slice] = []
    for have, want in zip(ids.shape, size, strict=True):
        length = min(have, want)
        first = int(rng.integers(abs(have - want) + 1))
        begin, at = (first, 0) if have > want else (0, first)
        source.append(slice(begin, begin + length))
        target.append(slice(at, at + length))
    part[tuple(target)] = image[tuple(source)]
    classes[tuple(target)] = ids[tuple(source)]
    return part, classes


@dataclass(frozen=True)
class PixelBatch:
    """Makes a batch of samples ``(image, ids)`` of one size.

    It is the ``batch_transform`` of a loader whose ``batchify`` is ``List()``. A batch is a pair:
    images ``(N, 3, H, W)`` float32, normalized, and class indices ``(N, H, W)`` int32.
    """

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __call__(self, samples: Sequence[Sample], rng: Any) -> tuple[np.ndarray, np.ndarray]:
        """Makes one batch.

        Raises:
            ValueError: pictures differ in size.
        """
        sizes = sorted({ids.shape for _, ids in samples})
        if len(sizes) > 1:
            raise ValueError(
                f"pictures of {sizes[0]} and {sizes[1]} make no batch: cut them to one size by "
                "PixelAugment, or take them one by one"
            )
        images = normalize(np.stack([image for image, _ in samples]), self.mean, self.std)
        return images, np.stack([ids for _, ids in samples])
