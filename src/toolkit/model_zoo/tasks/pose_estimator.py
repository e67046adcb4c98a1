"""Human pose: heat maps of joints. Xiao et al., 2018, https://arxiv.org/abs/1804.06208."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.contrib.nn import PixelShuffle2D
from mxnet.gluon.nn import BatchNorm, Conv2DTranspose

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes, check_classes, known_labels
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm
from toolkit.nn.upsample import shuffle_upsample
from toolkit.utils.registry import unknown

SMALL = mx.init.Normal(0.001)


Output = Callable[[int], HybridBlock]  # makes the layer of so many heat maps


def _deconvolutions(in_channels: int, norm: Norm) -> tuple[HybridBlock, Output]:
    """Three transposed convolutions of 256 channels."""
    conv = partial(ConvNormAct, kernel_size=4, strides=2, padding=1, layer=Conv2DTranspose)
    options: dict[str, Any] = {"norm": norm, "weight_initializer": SMALL}
    widths = (in_channels, 256, 256, 256)
    neck = sequence(*(conv(before, after, **options) for before, after in pairwise(widths)))
    return neck, _maps(256)


def _shuffles(in_channels: int, norm: Norm) -> tuple[HybridBlock, Output]:
    """A projection, then three convolutions whose channels become pixels: cheap on any network."""
    first, *_, last = widths = (256, 128, 64, 32)
    project = Conv2D(first, 1, use_bias=False, in_channels=in_channels)
    neck = sequence(project, *(shuffle_upsample(a, b, norm=norm) for a, b in pairwise(widths)))
    return neck, _maps(last, use_bias=False)


def _shuffled(in_channels: int, norm: Norm) -> tuple[HybridBlock, Output]:
    """The last feature's own channels become pixels, then those of two convolutions."""
    widths = (in_channels // 4, in_channels // 8, in_channels // 16)
    ups = (shuffle_upsample(a, b, norm=norm) for a, b in pairwise(widths))
    return sequence(PixelShuffle2D(2), *ups), _maps(widths[-1], kernel_size=3, padding=1)


def _maps(in_channels: int, kernel_size: int = 1, **options: Any) -> Output:
    conv = partial(Conv2D, kernel_size=kernel_size, in_channels=in_channels, **options)
    return partial(conv, weight_initializer=SMALL)


# What makes the last feature eight times as fine, and the layer of heat maps behind it.
NECKS: Mapping[str, Callable[[int, Norm], tuple[HybridBlock, Output]]] = {
    "deconv": _deconvolutions,
    "shuffle": _shuffles,
    "shuffled": _shuffled,
}


class PoseEstimator(HybridBlock):
    """Heat maps ``(N, joints, H / 4, W / 4)`` of pictures ``(N, 3, H, W)`` of one person each.

    Each is highest where its joint is; training is towards Gaussians of height 1.

    Args:
        backbone: Maps images to a list of features, the last at stride 32.
        classes: Number of joints, or their names.
        neck: A name in ``NECKS``: ``deconv``, ``shuffle`` or ``shuffled``.
        norm: Makes the normalizations of the neck, given ``in_channels``.

    Raises:
        ValueError: no joints, or there is no such neck.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        classes: Classes = 17,
        *,
        neck: str = "deconv",
        norm: Norm = BatchNorm,
    ) -> None:
        super().__init__()
        if neck not in NECKS:
            raise ValueError(unknown("neck", neck, NECKS))
        self.classes, self._labels = check_classes(classes)
        self.stride = backbone.strides[-1] // 8
        self.backbone = backbone
        self.neck, output = NECKS[neck](backbone.channels[-1], norm)
        self.output = output(self.classes)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps images ``(N, 3, H, W)`` to heat maps ``(N, joints, H / stride, W / stride)``."""
        return self.output(self.neck(self.backbone(x)[-1]))

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the joints, where they are known."""
        return known_labels(self, self._labels)


TASKS.add("pose_estimator", PoseEstimator)
