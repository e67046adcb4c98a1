"""What turns a backbone's features into scores of classes, cell by cell."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dropout, GlobalAvgPool2D

from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm
from toolkit.nn.pyramid_pool import PyramidPool
from toolkit.nn.resize import resize_like

DILATED = 96  # pixels that the outer taps of the first dilated convolution are from its middle


class CellHead(HybridBlock):
    """A 3x3 convolution, dropout, and scores of each cell: Long et al., 2014, 1411.4038.

    Args:
        in_channels: Channels of the feature.
        classes: Number of classes.
        hidden: Channels in between; default a quarter of ``in_channels``.
        dropout: Rate before the scores.
        norm: Makes the normalization, given ``in_channels``.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        hidden: int | None = None,
        dropout: float = 0.1,
        norm: Norm = BatchNorm,
    ) -> None:
        super().__init__()
        hidden = hidden or in_channels // 4
        self.hidden = ConvNormAct(in_channels, hidden, 3, norm=norm)
        self.dropout = Dropout(dropout)
        self.output = Conv2D(classes, 1, in_channels=hidden)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, classes, H, W)``."""
        return self.output(self.dropout(self.hidden(x)))


class FCNHead(HybridBlock):
    """Fully convolutional scores of the last feature: Long et al., 2014, 1411.4038.

    All heads are made of a backbone, the number of classes and a norm, and take all features.
    """

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.cells = CellHead(backbone.channels[-1], classes, norm=norm)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to scores ``(N, classes, H, W)`` on the grid of the last."""
        return self.cells(features[-1])


class PSPHead(HybridBlock):
    """Scores by each cell and what is around it: Zhao et al., 2016, 1612.01105."""

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        before = backbone.channels[-1]
        self.pool = PyramidPool(before, norm=norm)
        self.cells = CellHead(self.pool.channels, classes, hidden=before // 4, norm=norm)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to scores ``(N, classes, H, W)`` on the grid of the last."""
        return self.cells(self.pool(features[-1]))


class AtrousPyramid(HybridBlock):
    """Looks at a feature as near and as far as is wanted: Chen et al., 2017, 1706.05587.

    Args:
        in_channels: Channels of the feature.
        stride: Pixels of the image to a cell of it; the convolutions look as many pixels far,
            whatever it is.
        channels: Of each of its five views: a 1x1 convolution, three dilated 3x3, the mean of all.
        mean_first: Which of them is the first of the result, the mean or the 1x1.
        norm: Makes the normalizations, given ``in_channels``.

    Attributes:
        channels: Of the result: of all views.
    """

    def __init__(
        self,
        in_channels: int,
        stride: int,
        *,
        channels: int = 256,
        mean_first: bool = False,
        norm: Norm = BatchNorm,
    ) -> None:
        super().__init__()
        self._mean_first = mean_first
        self.channels = 5 * channels
        rates = [max(DILATED * times // stride, 1) for times in (1, 2, 3)]
        self.views = sequence(
            ConvNormAct(in_channels, channels, norm=norm),
            *(ConvNormAct(in_channels, channels, 3, dilation=rate, norm=norm) for rate in rates),
        )
        self.mean = sequence(GlobalAvgPool2D(), ConvNormAct(in_channels, channels, norm=norm))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H, W)``."""
        views = [view(x) for view in self.views]
        mean = resize_like(F, self.mean(x), x)
        return F.concat(*([mean, *views] if self._mean_first else [*views, mean]), dim=1)


class DeepLabHead(HybridBlock):
    """DeepLab v3: Chen et al., 2017, https://arxiv.org/abs/1706.05587."""

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.pyramid = AtrousPyramid(backbone.channels[-1], backbone.strides[-1], norm=norm)
        self.project = ConvNormAct(self.pyramid.channels, 256, norm=norm)
        self.dropout = Dropout(0.5)
        self.cells = CellHead(256, classes, hidden=256, norm=norm)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to scores ``(N, classes, H, W)`` on the grid of the last."""
        return self.cells(self.dropout(self.project(self.pyramid(features[-1]))))


class DeepLabPlusHead(HybridBlock):
    """DeepLab v3+: Chen et al., 2018, https://arxiv.org/abs/1802.02611, without separable layers.

    What the last feature says is brought to the grid of the first and refined there.
    """

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        coarse, fine, width = backbone.channels[-1], 48, 256
        self.pyramid = AtrousPyramid(coarse, backbone.strides[-1], mean_first=True, norm=norm)
        self.project = Conv2D(width, 1, use_bias=False, in_channels=self.pyramid.channels)
        self.fine = Conv2D(fine, 1, use_bias=False, in_channels=backbone.channels[0])
        self.hidden = sequence(
            ConvNormAct(fine + width, width, 3, norm=norm), ConvNormAct(width, width, 3, norm=norm)
        )
        self.output = Conv2D(classes, 1, use_bias=False, in_channels=width)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to scores ``(N, classes, H, W)`` on the first one's grid."""
        fine = self.fine(features[0])
        coarse = resize_like(F, self.project(self.pyramid(features[-1])), fine)
        return self.output(self.hidden(F.concat(fine, coarse, dim=1)))


class JoinedHead(HybridBlock):
    """Scores of all features, brought to the finest one's size: Wang et al., 2019, 1908.07919."""

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        width = sum(backbone.channels)
        self.hidden = ConvNormAct(width, width, use_bias=True, norm=norm)
        self.output = Conv2D(classes, 1, in_channels=width)

    def hybrid_forward(self, F: Any, finest: Any, *others: Any) -> Any:
        """Maps features, finest first, to scores ``(N, classes, H, W)`` on the first one's grid."""
        brought = (resize_like(F, x, finest, align_corners=False) for x in others)
        return self.output(self.hidden(F.concat(finest, *brought, dim=1)))
