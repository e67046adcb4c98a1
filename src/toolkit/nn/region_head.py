"""What is said of a region: its class, its box, its mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Activation, Conv2D, Conv2DTranspose, Dense, HybridSequential
from mxnet.initializer import Normal, Xavier

from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import ResidualUnit


def dense_layers(in_units: int, units: Sequence[int]) -> HybridSequential:
    """Dense layers with ReLU, one after the other."""
    layers = HybridSequential()
    for width in units:
        layers.add(
            Dense(width, activation="relu", in_units=in_units, weight_initializer=Normal(0.01))
        )
        in_units = width
    return layers


def conv_layers(
    in_channels: int, depth: int, *, norm: Norm | None, **conv: Any
) -> HybridSequential:
    """3x3 convolutions with ReLU that keep the channels, one after the other."""
    layers = (ConvNormAct(in_channels, in_channels, 3, norm=norm, **conv) for _ in range(depth))
    return sequence(*layers)


def box_layers(in_channels: int, channels: int, depth: int) -> HybridSequential:
    """Residual units without normalization, then the mean: Wu et al., 2019, 1904.06493."""
    layers = HybridSequential()
    for _ in range(depth):
        inner = channels // 4
        body = sequence(
            ConvNormAct(in_channels, inner, norm=None),
            ConvNormAct(inner, inner, 3, norm=None, use_bias=False),
            ConvNormAct(inner, channels, norm=None, act=None),
        )
        shortcut = ConvNormAct(in_channels, channels, norm=None, act=None, use_bias=False)
        layers.add(ResidualUnit(body, shortcut))
        in_channels = channels
    layers.add(AdaptiveAvgPool())
    return layers


class BoxHead(HybridBlock):
    """Scores of the classes and codes of boxes, for features of regions.

    Args:
        shared: Makes what both are made of.
        units: How many numbers of a region that is, once flat.
        classes: Number of classes, background not among them.
        boxes: Makes what codes are made of instead, and how many numbers that is: the two heads of
            Wu et al., 2019, https://arxiv.org/abs/1904.06493.
        per_class: Each class has codes of its own.
    """

    def __init__(
        self,
        shared: HybridBlock,
        units: int,
        classes: int,
        *,
        boxes: tuple[HybridBlock, int] | None = None,
        per_class: bool = True,
    ) -> None:
        super().__init__()
        self.per_class = per_class
        self._units = units, boxes[1] if boxes else units
        self.shared = shared
        self.boxes = boxes[0] if boxes else None
        self.scores, self.codes = self.outputs(classes)

    def outputs(self, classes: int) -> tuple[Dense, Dense]:
        """New last layers for so many classes, of scores and of codes."""
        first, second = self._units
        sets = classes if self.per_class else 1
        return (
            Dense(classes + 1, in_units=first, weight_initializer=Normal(0.01)),
            Dense(4 * sets, in_units=second, weight_initializer=Normal(0.001)),
        )

    def hybrid_forward(self, F: Any, x: Any) -> tuple[Any, Any]:
        """Maps ``(R, C, H, W)`` to scores ``(R, classes + 1)`` before softmax, and codes.

        The codes are ``(R, 4 * classes)``, or ``(R, 4)`` where all classes share them.
        """
        shared = self.shared(x)
        return self.scores(shared), self.codes(shared if self.boxes is None else self.boxes(x))


class Enlarge(HybridBlock):
    """A 2x2 convolution, transposed, that doubles the size; normalization, ReLU."""

    def __init__(self, in_channels: int, channels: int, *, norm: Norm | None, init: Any) -> None:
        super().__init__()
        self.conv = Conv2DTranspose(
            channels, 2, 2, in_channels=in_channels, weight_initializer=init
        )
        self.norm = norm(in_channels=channels) if norm else None
        self.act = Activation("relu")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(R, in_channels, H, W)`` to ``(R, channels, 2 * H, 2 * W)``."""
        x = self.conv(x)
        return self.act(x if self.norm is None else self.norm(x))


class MaskHead(HybridBlock):
    """A mask for each class, of features of regions: He et al., 2017, 1703.06870.

    Args:
        in_channels: Of the features.
        classes: Number of classes.
        channels: Of the layers.
        depth: Number of 3x3 convolutions; without one the channels are changed by the enlargement.
        norm: Makes the normalizations, given ``in_channels``; None for none.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        channels: int = 256,
        depth: int = 4,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self._channels = channels
        init = Xavier("gaussian", "out", 2)
        self.layers = HybridSequential()
        for _ in range(depth):
            conv: dict[str, Any] = {"norm": norm, "weight_initializer": init, "use_bias": True}
            self.layers.add(ConvNormAct(in_channels, channels, 3, **conv))
            in_channels = channels
        self.layers.add(Enlarge(in_channels, channels, norm=norm, init=init))
        self.output = self.outputs(classes)

    def outputs(self, classes: int) -> Conv2D:
        """A new last layer for so many classes."""
        init = Xavier("gaussian", "out", 2)
        return Conv2D(classes, 1, in_channels=self._channels, weight_initializer=init)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(R, C, H, W)`` to scores ``(R, classes, 2 * H, 2 * W)`` before the sigmoid."""
        return self.output(self.layers(x))
