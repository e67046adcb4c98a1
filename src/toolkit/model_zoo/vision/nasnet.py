"""NASNet-A: Zoph et al., 2017, https://arxiv.org/abs/1707.07012."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, HybridSequential, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu


@dataclass(frozen=True)
class NASNetConfig:
    """What tells one NASNet from another."""

    depth: int  # normal cells at each of the three coarsest resolutions
    width: int  # channels of each branch at the finest of those
    dropout: float = 0.5  # rate before the classifier


VARIANTS = {
    "nasnet_4_1056": NASNetConfig(4, 44),
    "nasnet_5_1538": NASNetConfig(5, 64),  # 1536 channels in all: rounded down to a multiple of 24
    "nasnet_7_1920": NASNetConfig(7, 80),
    "nasnet_6_4032": NASNetConfig(6, 168),
}

STEM = 96

avg_pool = partial(AvgPool2D, 3, padding=1, count_include_pad=False)


class Shifted(HybridBlock):
    """Lets a block that strides begin one row and one column earlier, where it sees zeros."""

    def __init__(self, block: HybridBlock) -> None:
        super().__init__()
        self.block = block

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to what the block gives of that size."""
        x = F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 1, 0, 1, 0), constant_value=0)
        return F.slice(self.block(x), begin=(None, None, 1, 1), end=(None, None, None, None))


class FactorizedReduction(HybridBlock):
    """Halves the size: every second pixel, and those diagonally next to them, side by side."""

    def __init__(self, in_channels: int, channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.act = relu()
        pool = partial(AvgPool2D, 1, 2)
        conv = partial(Conv2D, channels // 2, 1, use_bias=False, in_channels=in_channels)
        self.even = sequence(pool(), conv())
        self.odd = sequence(pool(), conv())
        self.norm = norm(in_channels=channels)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H / 2, W / 2)``, rounded up."""
        x = self.act(x)
        odd = F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 0, 1, 0, 1), constant_value=0)
        odd = F.slice(odd, begin=(None, None, 1, 1), end=(None, None, None, None))
        return self.norm(F.concat(self.even(x), self.odd(odd), dim=1))


def _separable(
    in_channels: int, channels: int, kernel_size: int, stride: int, *, shift: bool, norm: Norm
) -> HybridBlock:
    """Two separable convolutions, each activated before and normalized after; the first strides."""

    def conv(before: int, stride: int) -> HybridBlock:
        make = partial(Conv2D, use_bias=False, in_channels=before)
        return sequence(
            make(before, kernel_size, stride, kernel_size // 2, groups=before), make(channels, 1)
        )

    first = conv(in_channels, stride)
    return sequence(
        relu(),
        Shifted(first) if shift else first,
        norm(in_channels=channels),
        relu(),
        conv(channels, 1),
        norm(in_channels=channels),
    )


def _projection(in_channels: int, channels: int, norm: Norm) -> HybridBlock:
    """An activation, a 1x1 convolution, a normalization."""
    return sequence(relu(), ConvNormAct(in_channels, channels, norm=norm, act=None))


class Inputs(HybridBlock):
    """Brings the results of the two cells before to the same channels and size.

    Args:
        widths: Channels of the newer and of the older result.
        channels: Channels of both, then.
        halve: The older result is twice as large as the newer.
        norm: Makes the normalizations.
    """

    def __init__(self, widths: tuple[int, int], channels: int, *, halve: bool, norm: Norm) -> None:
        super().__init__()
        newer, older = widths
        # In the order of the graph, by which the files of exported networks are matched.
        if halve:
            self.newer = _projection(newer, channels, norm)
            self.older = FactorizedReduction(older, channels, norm=norm)
        else:
            self.older = _projection(older, channels, norm)
            self.newer = _projection(newer, channels, norm)

    def hybrid_forward(self, F: Any, x: Any, older: Any) -> list[Any]:
        """Gives the newer and the older result."""
        return [self.newer(x), self.older(older)]


class NormalCell(HybridBlock):
    """Five sums of two branches, and the older input, side by side: ``6 * channels`` channels."""

    def __init__(
        self, widths: tuple[int, int], channels: int, *, halve: bool = False, norm: Norm
    ) -> None:
        super().__init__()
        conv = partial(_separable, channels, channels, stride=1, shift=False, norm=norm)
        self.inputs = Inputs(widths, channels, halve=halve, norm=norm)
        self.left0 = conv(5)
        self.right0 = conv(3)
        self.left1 = conv(5)
        self.right1 = conv(3)
        self.left4 = conv(3)
        self.pool = avg_pool(strides=1)

    def hybrid_forward(self, F: Any, x: Any, older: Any) -> Any:
        """Maps the two results before, finer ones halved, to the next."""
        x, older = self.inputs(x, older)
        pooled = self.pool(older)
        sums = (
            self.left0(x) + self.right0(older),
            self.left1(older) + self.right1(older),
            self.pool(x) + older,
            pooled + pooled,
            self.left4(x) + x,
        )
        return F.concat(older, *sums, dim=1)


class ReductionCell(HybridBlock):
    """Halves the size: five sums of two branches, four of them given: ``4 * channels`` channels.

    Args:
        widths: Channels of the newer and of the older result.
        channels: Channels of each sum.
        inputs: Prepares the two results; without it, the newer alone is brought to ``channels``.
        shift: Let what strides begin one row and one column earlier.
        norm: Makes the normalizations.
    """

    def __init__(
        self,
        widths: tuple[int, int],
        channels: int,
        *,
        inputs: HybridBlock | None = None,
        shift: bool = False,
        norm: Norm,
    ) -> None:
        super().__init__()
        newer, older = (channels, channels) if inputs else (channels, widths[1])
        make = partial(_separable, shift=shift, norm=norm)
        from_newer = partial(make, newer, channels, stride=2)
        from_older = partial(make, older, channels, stride=2)
        self.inputs = inputs
        if inputs is None:
            self.newer = _projection(widths[0], channels, norm)
        self.left0 = from_newer(5)
        self.right0 = from_older(7)
        self.right1 = from_older(7)
        self.right2 = from_older(5)
        self.left4 = make(channels, channels, 3, stride=1)
        strided = MaxPool2D(3, 2, 1), avg_pool(strides=2)
        self.max_pool, self.avg_pool = (Shifted(p) if shift else p for p in strided)
        self.pool = avg_pool(strides=1)

    def hybrid_forward(self, F: Any, x: Any, older: Any) -> Any:
        """Maps the two results before to the next, of half the newer's size."""
        if self.inputs is None:
            x = self.newer(x)
        else:
            x, older = self.inputs(x, older)
        largest = self.max_pool(x)
        first = self.left0(x) + self.right0(older)
        second = largest + self.right1(older)
        third = self.avg_pool(x) + self.right2(older)
        fourth = self.pool(first) + second
        return F.concat(second, third, fourth, self.left4(first) + largest, dim=1)


@BACKBONES.family(VARIANTS)
class NASNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: NASNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self._dropout = config.dropout
        norm = partial(norm, momentum=0.1, epsilon=1e-3)
        width = config.width
        self.channels = (STEM, width, *(6 * width << stage for stage in range(3)))
        self.stem = ConvNormAct(3, STEM, 3, strides=2, padding=0, norm=norm, act=None)
        first = ReductionCell((STEM, STEM), width // 4, norm=norm)
        inputs = Inputs((width, STEM), width // 2, halve=True, norm=norm)
        second = ReductionCell((width, STEM), width // 2, inputs=inputs, norm=norm)
        self.stem_cells = sequence(first, second)
        self.stages = HybridSequential()
        widths = 2 * width, width  # of the last result and of the one before
        for stage in range(3):
            channels = width << stage
            cells: list[HybridBlock] = []
            if stage:
                inputs = Inputs(widths, channels, halve=False, norm=norm)
                shift = stage == 1
                cells.append(ReductionCell(widths, channels, inputs=inputs, shift=shift, norm=norm))
                widths = 4 * channels, widths[0]
            for place in range(config.depth):
                cells.append(NormalCell(widths, channels, halve=place == 0, norm=norm))
                widths = 6 * channels, widths[0]
            self.stages.add(sequence(*cells))

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        older = x = self.stem(x)
        features = [x]
        for cell in self.stem_cells:
            older, x = x, cell(x, older)
            features.append(x)
        features.pop()  # normal cells follow at the same resolution
        for stage in self.stages:
            for cell in stage:
                older, x = x, cell(x, older)
            features.append(x)
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature, which it activates first."""
        return sequence(relu(), super().head(classes))
