"""What pictures of persons go through on their way to a pose estimator, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.data.vision.heatmaps import draw_heatmaps
from toolkit.data.vision.presets import IMAGENET_MEAN, IMAGENET_STD
from toolkit.data.vision.transforms.color import color_jitter
from toolkit.data.vision.transforms.geometry import height_width
from toolkit.data.vision.transforms.tensor import normalize
from toolkit.data.vision.transforms.windows import Window, move_points
from toolkit.utils.skeletons import COCO_PERSON, Skeleton

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]  # image (H, W, 3), box (4,), joints (J, 3)
# Image of the size (H, W, 3), joints (J, 3) in it, and the matrix (2, 3) back to the picture.
Person = tuple[np.ndarray, np.ndarray, np.ndarray]
MARGIN = 1.25  # of a window around a box
ENOUGH = 8  # joints of a person of which half may be looked at
HALF_MARGIN = 1.5  # of a window around half of a person's joints


def cut_person(sample: Sample, window: Window, size: tuple[int, int], skeleton: Skeleton) -> Person:
    """The image in a window of a picture, and its joints, those of a mirrored one renamed."""
    image, _, joints = sample
    if len(joints) != len(skeleton.labels):
        raise ValueError(f"{len(joints)} joints, and the skeleton has {len(skeleton.labels)}")
    moved = joints.astype(np.float32)
    moved[:, :2] = move_points(joints[:, :2], window.matrix(size))
    if window.mirrored:
        moved = moved[list(skeleton.mirror)]
    return window.cut(image, size), moved, window.inverse(size).astype(np.float32)


@dataclass(frozen=True)
class PersonCrop:
    """Cuts the person out of a sample ``(image, box, joints)``, the box in the middle."""

    size: tuple[int, int] = (256, 192)  # (height, width) of what is cut out
    margin: float = MARGIN
    skeleton: Skeleton = COCO_PERSON

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", height_width(self.size))

    def __call__(self, sample: Sample) -> Person:
        """Cuts out one person."""
        window = Window.around(sample[1], self.size, self.margin)
        return cut_person(sample, window, self.size, self.skeleton)


@dataclass(frozen=True)
class PoseAugment:
    """Cuts persons out of pictures in training, changed at random; 0 leaves a change out.

    Called with a sample ``(image, box, joints)`` and a generator it gives the image of ``size``,
    the joints ``(J, 3)`` in it, and the matrix back to the picture. The window around the box is
    scaled, turned, mirrored, and now and then moved to the upper or lower half of the body: Xiao et
    al., 2018, https://arxiv.org/abs/1804.06208, and Wang et al., 2019,
    https://arxiv.org/abs/1908.07919.
    """

    size: tuple[int, int] = (256, 192)  # (height, width) of what is cut out
    margin: float = MARGIN
    scale: float = 0.25  # deviation of what the window is multiplied by, and the most it differs by
    turn: float = 30.0  # deviation of degrees that it is turned by; at most twice that
    turned: float = 0.6  # probability that it is turned at all
    flip: float = 0.5  # probability of the mirror image
    half: float = 0.0  # probability of half a body, where more than 8 joints are labelled
    color: float = 0.0  # brightness, contrast and saturation change by up to this share
    skeleton: Skeleton = COCO_PERSON

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", height_width(self.size))
        if not 0 <= self.scale < 1:
            raise ValueError(f"scale must be in [0, 1), got {self.scale!r}")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Person:
        """Cuts out one person."""
        window = self._around(sample, rng)
        factor = np.clip(rng.normal(1, self.scale), 1 - self.scale, 1 + self.scale)
        angle = np.clip(rng.normal(0, self.turn), -2 * self.turn, 2 * self.turn)
        window = replace(
            window,
            width=window.width * float(factor),
            angle=float(angle) if rng.random() < self.turned else 0.0,
            mirrored=bool(rng.random() < self.flip),
        )
        image, joints, back = cut_person(sample, window, self.size, self.skeleton)
        amounts = dict.fromkeys(("brightness", "contrast", "saturation"), self.color)
        return color_jitter(image, rng, **amounts), joints, back

    def _around(self, sample: Sample, rng: np.random.Generator) -> Window:
        """The window around the box, or around half of the joints."""
        _, box, joints = sample
        whole = Window.around(box, self.size, self.margin)
        labelled = joints[:, 2] > 0
        if rng.random() >= self.half or labelled.sum() <= ENOUGH:
            return whole
        above = np.isin(np.arange(len(joints)), self.skeleton.upper)
        chosen = joints[labelled & (above if rng.random() < 0.5 else ~above), :2]
        if len(chosen) < 3 or (np.ptp(chosen, axis=0) < 1).any():
            return whole
        part = np.concatenate([chosen.min(0), chosen.max(0)])
        return Window.around(part, self.size, HALF_MARGIN)


@dataclass(frozen=True)
class PoseBatch:
    """Makes a batch of persons, as ``PoseAugment`` and ``PersonCrop`` cut them out.

    It is the ``batch_transform`` of a loader whose ``batchify`` is ``List()``. A batch is a dict:

    ===========  ==================================================================
    ``images``   ``(N, 3, H, W)`` float32, normalized
    ``maps``     what the network is to give: ``(N, J, H / stride, W / stride)`` float32
    ``weights``  ``(N, J)`` float32, 1 where a joint is labelled and in the image, else 0
    ``back``     from pixels of the images to those of their pictures: ``(N, 2, 3)`` float32
    ===========  ==================================================================
    """

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    stride: int = 4  # pixels to a cell of the maps
    deviation: float = 2.0  # of the bells, in cells
    exact: bool = False  # bells are around places, not around cells

    def __call__(self, persons: Sequence[Person], rng: Any) -> dict[str, np.ndarray]:
        """Makes one batch."""
        images = np.stack([image for image, _, _ in persons])
        options: dict[str, Any] = {
            "stride": self.stride,
            "deviation": self.deviation,
            "exact": self.exact,
        }
        drawn = [draw_heatmaps(joints, images.shape[1:3], **options) for _, joints, _ in persons]
        return {
            "images": normalize(images, self.mean, self.std),
            "maps": np.stack([maps for maps, _ in drawn]),
            "weights": np.stack([weights for _, weights in drawn]),
            "back": np.stack([back for _, _, back in persons]),
        }
