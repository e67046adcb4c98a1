"""Human pose: heat maps of joints. Xiao et al., 2018, https://arxiv.org/abs/1804.06208."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2DTranspose

from toolkit.model_zoo.labels import read_labels
from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.detector import Classes, check_classes
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm
from toolkit.nn.upsample import shuffle_upsample
from toolkit.utils.registry import unknown

SMALL = mx.init.Normal(0.001)


def _deconvolutions(in_channels: int, norm: Norm) -> tuple[HybridBlock, Callable[..., HybridBlock]]:
    """Three transposed convolutions of 256 channels."""
    conv = partial(ConvNormAct, kernel_size=4, strides=2, padding=1, layer=Conv2DTranspose)
    options: dict[str, Any] = {"norm": norm, "weight_initializer": SMALL}
    widths = (in_channels, 256, 256, 256)
    neck = sequence(*(conv(before, after, **options) for before, after in pairwise(widths)))
    return neck, partial(Conv2D, in_channels=256)


def _shuffles(in_channels: int, norm: Norm) -> tuple[HybridBlock, Callable[..., HybridBlock]]:
    """A projection, then three convolutions whose channels become pixels: cheap on any network."""
    first, *_, last = widths = (256, 128, 64, 32)
    project = Conv2D(first, 1, use_bias=False, in_channels=in_channels)
    neck = sequence(project, *(shuffle_upsample(a, b, norm=norm) for a, b in pairwise(widths)))
    return neck, partial(Conv2D, in_channels=last, use_bias=False)


# What makes the last feature eight times as fine, and the layer of heat maps behind it.
NECKS: Mapping[str, Callable[..., Any]] = {"deconv": _deconvolutions, "shuffle": _shuffles}


class PoseEstimator(HybridBlock):
    """Heat maps ``(N, joints, H / 4, W / 4)`` of pictures ``(N, 3, H, W)`` of one person each.

    Each is highest where its joint is; training is towards Gaussians of height 1.

    Args:
        backbone: Maps images to a list of features, the last at stride 32.
        classes: Number of joints, or their names.
        neck: A name in ``NECKS``: ``deconv`` or ``shuffle``.
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
        self.output = output(self.classes, 1, weight_initializer=SMALL)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps images ``(N, 3, H, W)`` to heat maps ``(N, joints, H / stride, W / stride)``."""
        return self.output(self.neck(self.backbone(x)[-1]))

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the joints, where they are known."""
        name = getattr(getattr(self, "info", None), "labels", None)
        if self._labels is None and name:
            names = read_labels(name)
            return names if len(names) == self.classes else None
        return self._labels


TASKS.add("pose_estimator", PoseEstimator)
