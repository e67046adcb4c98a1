"""ICNet, a cascade of three resolutions: Zhao et al., 2017, https://arxiv.org/abs/1704.08545."""

from __future__ import annotations

from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.pyramid_pool import PyramidPool
from toolkit.nn.resize import rescale, resize_like

WIDTH = 128  # channels of what the fusions give


class CascadeFusion(HybridBlock):
    """Brings a coarse feature to the size of a fine one and adds both.

    Args:
        coarse: Channels of the coarse feature.
        fine: Channels of the fine one.
        classes: Number of classes that the coarse one is scored for.
        norm: Makes the normalizations, given ``in_channels``.
    """

    def __init__(self, coarse: int, fine: int, classes: int, *, norm: Norm) -> None:
        super().__init__()
        self.coarse = ConvNormAct(coarse, WIDTH, 3, dilation=2, norm=norm, act=None)
        self.fine = ConvNormAct(fine, WIDTH, norm=norm, act=None)
        self.act = relu()
        self.output = Conv2D(classes, 1, use_bias=False, in_channels=WIDTH)

    def hybrid_forward(self, F: Any, coarse: Any, fine: Any) -> tuple[Any, Any]:
        """Gives the sum ``(N, 128, H, W)`` and scores ``(N, classes, H, W)`` on ``fine``'s grid."""
        coarse = self.coarse(resize_like(F, coarse, fine))
        return self.act(coarse + self.fine(fine)), self.output(coarse)


class ImageCascade(HybridBlock):
    """Looks at a small image with all of a backbone, at a larger with its half, and at the whole.

    The backbone has a stem and four stages; the last two see a quarter of the resolution.

    Args:
        backbone: With the attributes ``stem``, ``norm``, ``act``, ``pool`` and ``stages``.
        classes: Number of classes.
        norm: Makes the normalizations, given ``in_channels``.

    Raises:
        ValueError: the backbone has other parts.
    """

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        parts = ["stem", "norm", "act", "pool", "stages"]
        if list(backbone._children) != parts or len(backbone.channels) != 4:
            raise ValueError(
                f"a cascade takes a backbone of {', '.join(parts)}, a ResNet; "
                f"{type(backbone).__name__} has {', '.join(backbone._children)}"
            )
        conv = partial(ConvNormAct, norm=norm)
        half, whole = backbone.channels[1], backbone.channels[-1]
        self.backbone = backbone
        self.whole = sequence(*(conv(a, b, 3, strides=2) for a, b in ((3, 32), (32, 32), (32, 64))))
        self.pool = PyramidPool(whole, norm=norm)
        self.project = conv(self.pool.channels, whole // 4, 3)
        self.from_quarter = conv(whole // 4, 256)
        self.from_half = conv(half, 256)
        self.first = CascadeFusion(256, 256, classes, norm=norm)
        self.second = CascadeFusion(WIDTH, 64, classes, norm=norm)
        self.output = Conv2D(classes, 1, use_bias=False, in_channels=WIDTH)

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, ...]:
        """Maps images to scores ``(N, classes, H, W)``, then on cells of 4, 8 and 16 pixels."""
        half, quarter = self._look(F, x)
        fused, quarter_scores = self.first(quarter, half)
        fused, half_scores = self.second(fused, self.whole(x))
        scores = self.output(rescale(F, fused, 2))
        return resize_like(F, scores, x), scores, half_scores, quarter_scores

    def _look(self, F: Any, x: Any) -> tuple[Any, Any]:
        """What the backbone sees at half of the resolution, and at a quarter."""
        backbone = self.backbone
        x = backbone.pool(backbone.act(backbone.norm(backbone.stem(rescale(F, x, 0.5)))))
        stages: list[Any] = []
        for stage in backbone.stages:
            x = rescale(F, stages[-1], 0.5) if len(stages) == 2 else x
            x = stage(x)
            stages.append(x)
        quarter = self.project(self.pool(stages[-1]))
        return self.from_half(stages[1]), self.from_quarter(quarter)
