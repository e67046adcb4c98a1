"""Where SSDs look and with which anchors: the published arrangements, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from toolkit.nn.anchors import anchor_shapes
from toolkit.nn.extras import Extra

Ratios = tuple[float, ...]
FEW: Ratios = (1, 2, 0.5)
MANY: Ratios = (1, 2, 0.5, 3, 1 / 3)


@dataclass(frozen=True)
class SSDLayout:
    """What tells one SSD from another on the same backbone.

    Raises:
        ValueError: the tuples are not of one length.
    """

    size: int  # side of the images it was made for, in pixels
    features: tuple[int, ...]  # places of the backbone's features that are looked at
    extras: tuple[Extra, ...]  # further ones, made of the backbone's last
    sizes: tuple[float, ...]  # sides of the anchors, one more than there are features
    ratios: tuple[Ratios, ...]  # width over height of the anchors of each feature; the first is 1
    steps: tuple[int, ...]  # pixels to a cell of each feature
    norm: bool = True  # the extras are normalized
    kernel_size: int = 3  # of the convolutions that predict
    lite: bool = False  # anchors as TensorFlow's detection models have them
    # Channels of a feature pyramid on the backbone's, whose one further feature comes before the
    # extras; None: the backbone's are looked at as they are.
    pyramid: int | None = None

    def __post_init__(self) -> None:
        levels = len(self.features) + (self.pyramid is not None) + len(self.extras)
        lengths = len(self.sizes) - 1, len(self.ratios), len(self.steps)
        if set(lengths) != {levels}:
            raise ValueError(
                f"{levels} features need {levels + 1} sizes, {levels} ratios and {levels} steps, "
                f"got {lengths[0] + 1}, {lengths[1]} and {lengths[2]}"
            )

    def shapes(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Widths and heights of the anchors of each feature, in pixels."""
        make = self._lite_shapes if self.lite else self._shapes
        return tuple(make(level) for level in range(len(self.steps)))

    def _shapes(self, level: int) -> tuple[tuple[float, float], ...]:
        low, high = self.sizes[level : level + 2]
        return anchor_shapes(low, high, self.ratios[level])

    def _lite_shapes(self, level: int) -> tuple[tuple[float, float], ...]:
        """Half a square, the rectangles, and from the second feature on a larger square."""
        low, high = self.sizes[level : level + 2]
        first, middle, *rest = anchor_shapes(low, high, self.ratios[level])
        half = (first[0] / 2, first[1] / 2)
        return (half, *rest, middle) if level else (half, *rest)


def make_layout(
    size: int,
    strides: tuple[int, ...],
    channels: int = 256,
    *,
    features: int = 2,
    sizes: tuple[float, ...] = (),
    pyramid: int | None = None,
) -> SSDLayout:
    """An arrangement for any backbone: its coarsest features and more down to one of 4 cells.

    Args:
        size: Side of the images in pixels.
        strides: Of the backbone's features, finest first.
        channels: Of each further feature.
        features: How many of the backbone's are looked at.
        sizes: Sides of the anchors; default from a tenth of the image to all but all of it.
        pyramid: Channels of a feature pyramid on the backbone's features, which gives them what the
            coarser ones know; None for none.

    Raises:
        ValueError: the backbone has fewer features, or there are not as many sizes as it takes.
    """
    if not 1 <= features <= len(strides):
        raise ValueError(f"features must be 1 to {len(strides)}, as the backbone has, {features=}")
    given = features + (pyramid is not None)
    steps = list(strides[-features:])
    while size / steps[-1] > 4 or len(steps) < given:
        steps.append(2 * steps[-1])
    extras = tuple(Extra(channels // 2, channels) for _ in steps[given:])
    # From a tenth of the image up to all of it, as in the paper's equation 4.
    last = len(steps)
    usual = tuple(round(size * (0.1 + 0.85 * level / last), 1) for level in range(last + 1))
    places = tuple(range(-features, 0))
    ratios = (FEW, *(MANY,) * (last - 2), FEW)[:last]
    return SSDLayout(
        size, places, extras, tuple(sizes) or usual, ratios, tuple(steps), pyramid=pyramid
    )


def _extras(*widths: int, inner: float = 1.0) -> tuple[Extra, ...]:
    return tuple(Extra(int(width * inner), width) for width in widths)


_VGG_EXTRAS = (Extra(256, 512), *(Extra(128, 256),) * 3)
_SMALL_SIZES = (21, 45, 99, 153, 207, 261, 315)
_VGG_300 = SSDLayout(
    300,
    (0, 1),
    (*_VGG_EXTRAS[:2], *(replace(_VGG_EXTRAS[1], stride=1, padding=0),) * 2),
    _SMALL_SIZES,
    (FEW, MANY, MANY, MANY, FEW, FEW),
    (8, 16, 32, 64, 100, 300),
    norm=False,
)
_RESNET_512 = SSDLayout(
    512,
    (-2, -1),
    _extras(512, 512, 256, 256),
    (51.2, 102.4, 189.4, 276.4, 363.52, 450.6, 492),
    (FEW, MANY, MANY, MANY, FEW, FEW),
    (16, 32, 64, 128, 256, 512),
)
_SEVEN_SIZES = (51.2, 76.8, 153.6, 230.4, 307.2, 384.0, 460.8, 537.6)
_SEVEN_RATIOS = (FEW, MANY, MANY, MANY, MANY, FEW, FEW)
_SEVEN_STEPS = (8, 16, 32, 64, 128, 256, 512)

LAYOUTS = {
    "vgg_300": _VGG_300,
    "vgg_300_voc": replace(_VGG_300, sizes=(30, 60, 111, 162, 213, 264, 315)),
    "vgg_512": SSDLayout(
        512,
        (0, 1),
        (*_VGG_EXTRAS, Extra(128, 256, kernel_size=4, stride=1)),
        _SEVEN_SIZES,
        _SEVEN_RATIOS,
        _SEVEN_STEPS,
        norm=False,
    ),
    "resnet_512": _RESNET_512,
    "resnet_512_coco": replace(
        _RESNET_512, sizes=(51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72)
    ),
    "resnet152_512": SSDLayout(
        512,
        (0, 1, 2),
        _extras(512, 512, 256, 256),
        _SEVEN_SIZES,
        _SEVEN_RATIOS,
        _SEVEN_STEPS,
    ),
    "resnet34_300": replace(
        _VGG_300,
        features=(1, 3),
        extras=(*_extras(256, 256, 128), Extra(128, 128, padding=0)),
    ),
    "mobilenet_300": replace(
        _RESNET_512,
        size=300,
        extras=_extras(256, 256, 128, 128),
        sizes=_SMALL_SIZES,
        # Of finer features than it has: its published anchors lie in the upper left quarter.
        steps=(8, 16, 32, 64, 100, 300),
    ),
    "mobilenet_300_lite": SSDLayout(
        300,
        (-2, -1),
        _extras(512, 256, 256, 128, inner=0.5),
        (60, 105, 150, 195, 240, 285, 300),
        (FEW, *(MANY,) * 5),
        (16, 30, 60, 100, 150, 300),
        kernel_size=1,
        lite=True,
    ),
}
