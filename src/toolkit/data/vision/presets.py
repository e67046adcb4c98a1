"""What is done to a picture before a network sees it, as data that can be written down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from toolkit.data.vision.transforms.geometry import (
    INTERPOLATIONS,
    Size,
    center_crop,
    height_width,
    resize,
    resize_short,
    size_within,
)
from toolkit.data.vision.transforms.tensor import normalize
from toolkit.utils.registry import unknown

MAX_ASPECT = 16  # of longer pictures the middle is taken, lest a thin strip fill the memory


@dataclass(frozen=True)
class ImagePreset:
    """Resizes, crops the middle and normalizes.

    With ``longest`` nothing is cropped: pictures keep their aspect, and come in any size. ``size``
    is then that of an example.

    Raises:
        ValueError: a field is not what it must be.
    """

    name: str
    size: tuple[int, int]  # (height, width) of the result
    resize: int | None  # the shorter side before the crop; None: straight to size, any aspect
    interpolation: str  # a name in transforms.INTERPOLATIONS
    mean: tuple[float, float, float]  # of R, G, B in 0..1
    std: tuple[float, float, float]
    longest: int | None = None  # of the longer side, where nothing is cropped; None: cropped

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f"name {self.name!r} of a preset is not a string")
        object.__setattr__(self, "size", height_width(self.size))
        for field in ("mean", "std"):
            object.__setattr__(self, field, self._three_numbers(field))
        if min(self.std) <= 0:
            raise ValueError(f"std {self.std} of preset {self.name!r} must be above 0")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(unknown("interpolation", self.interpolation, INTERPOLATIONS))
        if self.longest is not None:
            self._check_longest()
        elif self.resize is not None and not self._crop_fits():
            raise ValueError(
                f"resize {self.resize!r} of preset {self.name!r} is neither None nor a whole "
                f"number of at least its size {self.size}: the crop would not fit"
            )

    def _crop_fits(self) -> bool:
        return isinstance(self.resize, int) and self.resize >= max(self.size)

    def _check_longest(self) -> None:
        short, long = self.resize, self.longest
        if not (isinstance(short, int) and isinstance(long, int) and 1 <= short <= long):
            raise ValueError(
                f"resize of preset {self.name!r}, a shorter side, must be from 1 to longest, got "
                f"{self.resize!r} and {self.longest!r}"
            )

    @property
    def crops(self) -> bool:
        """Whether a part of the picture is not seen."""
        return self.resize is not None and self.longest is None

    def _three_numbers(self, field: str) -> tuple[float, ...]:
        value = getattr(self, field)
        numbers = isinstance(value, (tuple, list)) and len(value) == 3
        if not numbers or not all(isinstance(x, (int, float)) and math.isfinite(x) for x in value):
            raise ValueError(f"{field} {value!r} of preset {self.name!r} is not three numbers")
        return tuple(float(x) for x in value)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 RGB of any size to (3, height, width) float32."""
        return normalize(self.crop(image), self.mean, self.std)

    def crop(self, image: np.ndarray) -> np.ndarray:
        """The part of the picture that the network sees: (height, width, 3) uint8."""
        if self.resize is None or self.longest is not None:
            return resize(image, self.size_of(image), self.interpolation)
        height, width = image.shape[:2]
        image = center_crop(
            image, (min(height, MAX_ASPECT * width), min(width, MAX_ASPECT * height))
        )
        return center_crop(resize_short(image, self.resize, self.interpolation), self.size)

    def size_of(self, image: np.ndarray) -> tuple[int, int]:
        """Height and width of what becomes of a picture ``(H, W, 3)``."""
        if self.resize is None or self.longest is None:
            return self.size
        height, width = image.shape[:2]
        return size_within((height, width), self.resize, self.longest)

    def with_size(self, size: Size) -> ImagePreset:
        """The same for another size; the resizing keeps its proportion to the crop.

        Where nothing is cropped, the shorter side is that of ``size``, and ``longest`` is changed
        as much.
        """
        new = height_width(size)
        if self.resize and self.longest:
            least = min(new)
            longest = round(self.longest / self.resize * least)
            if new[0] == new[1]:  # the example keeps its aspect, too
                new = size_within(self.size, least, longest)
            return replace(self, size=new, resize=least, longest=longest)
        short = self.resize and -(-self.resize * max(new) // max(self.size))
        return replace(self, size=new, resize=short)

    def stretched(self) -> ImagePreset:
        """The same straight to ``size``, for networks that take no other."""
        return replace(self, resize=None, longest=None) if self.longest else self

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ImagePreset:
        """The inverse of ``to_dict``; raises ValueError that names what is missing or wrong."""
        if not isinstance(values, Mapping):
            raise ValueError(f"a preset is a mapping of its fields, not {type(values).__name__}")
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(unknown("preset field", name, known))
        needed = [field.name for field in fields(cls) if field.default is MISSING]
        missing = [name for name in needed if name not in values]
        if missing:
            raise ValueError(f"a preset needs {', '.join(needed)}; missing: {', '.join(missing)}")
        return cls(**values)


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Bicubic is what mx.image.resize_short does unless told otherwise; of OpenCV's interpolations it
# and bilinear do best on a pretrained SqueezeNet, one picture in 200 apart.
_IMAGENET = ImagePreset("imagenet", (224, 224), 256, "bicubic", IMAGENET_MEAN, IMAGENET_STD)
# Area, since photographs shrink tenfold to 32 pixels: the others alias, and halve the accuracy of
# a CIFAR network on photographs. An image of 32 pixels stays as it is.
_CIFAR = ImagePreset(
    "cifar", (32, 32), 32, "area", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
)
# What torchvision's weights were evaluated with. Its GoogLeNet and Inception v3, ported from
# TensorFlow, turn pictures so normalized into -1..1, which their presets do at once.
_TORCHVISION = replace(_IMAGENET, name="torchvision", interpolation="bilinear")
_HALVES = replace(_TORCHVISION, mean=(0.5,) * 3, std=(0.5,) * 3)
# Straight to a square: boxes are scaled back by its sides.
_SSD = ImagePreset("ssd_512", (512, 512), None, "area", IMAGENET_MEAN, IMAGENET_STD)
# The means and deviations that the published CenterNets were trained with.
_CENTER_NET = replace(
    _SSD,
    name="center_net_512",
    mean=(0.40789655, 0.44719303, 0.47026116),
    std=(0.2886383, 0.27408165, 0.27809834),
)
# R-CNNs take pictures of any size and aspect; the example is a photograph of 4 by 3.
_RCNN = replace(
    _SSD, name="rcnn_600", size=(600, 800), resize=600, longest=1000, interpolation="bilinear"
)
# One person, cut out of a picture: four rows to three columns.
_POSE = replace(_SSD, name="pose_256", size=(256, 192), interpolation="bilinear")
# Pictures of any size and aspect, of which the network scores every pixel.
_SEGMENTATION = replace(_RCNN, name="segmentation_480", size=(480, 640), resize=480, longest=1280)

PRESETS: dict[str, ImagePreset] = {
    preset.name: preset
    for preset in (
        _IMAGENET,
        replace(_IMAGENET.with_size(299), name="imagenet_299"),
        _TORCHVISION,
        replace(_TORCHVISION, name="torchvision_232", resize=232),
        replace(_HALVES, name="torchvision_googlenet"),
        replace(_HALVES, name="torchvision_inception", size=(299, 299), resize=342),
        _CIFAR,
        _SSD,
        replace(_SSD, name="ssd_300", size=(300, 300)),
        replace(_SSD, name="yolo3_416", size=(416, 416)),
        _CENTER_NET,
        _RCNN,
        replace(_RCNN, name="rcnn_800", size=(800, 1067), resize=800, longest=1333),
        _POSE,
        # What the published AlphaPose was trained with.
        replace(_POSE, name="alpha_pose_256", mean=(0.406, 0.457, 0.480), std=(1.0, 1.0, 1.0)),
        _SEGMENTATION,
        replace(
            _SEGMENTATION, name="segmentation_1024", size=(1024, 2048), resize=1024, longest=2048
        ),
    )
}
