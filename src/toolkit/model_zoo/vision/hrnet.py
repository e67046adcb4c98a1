"""HRNet, high resolution throughout: Wang et al., 2019, https://arxiv.org/abs/1908.07919."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dense, GlobalAvgPool2D, HybridSequential

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.residual import ResidualUnit, basic, bottleneck, projection, zero_gamma
from toolkit.nn.resize import resize_like


@dataclass(frozen=True)
class HRNetConfig:
    """What tells one HRNet from another."""

    width: int  # channels of the finest branch; each coarser branch has twice as many
    bottlenecks: tuple[int, int] = (4, 64)  # number and inner channels in the first stage
    exchanges: tuple[int, int, int] = (1, 4, 3)  # in the stages of two, three and four branches
    depth: int = 4  # residual units of a branch before each exchange
    zero_last_gamma: bool = False  # each unit's last scale begins at zero: units are identities
    bilinear: bool = False  # branches grow by interpolation, images may have any sides


VARIANTS = {
    "hrnet_w18_small_v1_c": HRNetConfig(16, bottlenecks=(1, 32), exchanges=(1, 1, 1), depth=2),
    "hrnet_w18_small_v2_c": HRNetConfig(18, bottlenecks=(2, 64), exchanges=(1, 3, 2), depth=2),
    "hrnet_w18_c": HRNetConfig(18),
    "hrnet_w30_c": HRNetConfig(30),
    "hrnet_w32_c": HRNetConfig(32),
    "hrnet_w40_c": HRNetConfig(40),
    "hrnet_w44_c": HRNetConfig(44),
    "hrnet_w48_c": HRNetConfig(48),
    "hrnet_w64_c": HRNetConfig(64),
}

Units = Callable[[int], HybridBlock]  # makes the units of a branch of so many channels
HEAD_CHANNELS = (128, 256, 512, 1024, 2048)  # of each branch in the classifier, and of its last


def _units(
    widths: Sequence[int], body: Callable[[int, int], HybridBlock], norm: Norm
) -> HybridBlock:
    """Residual units, each from one width to the next."""
    return sequence(
        *(
            ResidualUnit(body(a, b), projection(a, b, 1, norm) if a != b else None)
            for a, b in pairwise(widths)
        )
    )


class Fuse(HybridBlock):
    """Makes one branch of the sum of all, each brought to its resolution and channels.

    Args:
        channels: Channels of the branches, finest first.
        target: Which of them is made.
        bilinear: Interpolate coarser branches, instead of repeating their cells.
        norm: Makes the normalizations.
    """

    def __init__(
        self, channels: Sequence[int], target: int, *, bilinear: bool = False, norm: Norm
    ) -> None:
        super().__init__()
        self._target = target
        self._bilinear = bilinear
        self.paths = HybridSequential()
        for source, width in enumerate(channels):
            self.paths.add(self._path(width, channels[target], target - source, norm))
        self.act = relu()

    @staticmethod
    def _path(in_channels: int, channels: int, halvings: int, norm: Norm) -> HybridBlock:
        last = partial(ConvNormAct, in_channels, channels, norm=norm, act=None)
        if halvings < 0:
            return sequence(last())
        halve = partial(ConvNormAct, in_channels, in_channels, 3, strides=2, norm=norm)
        convs = [halve() for _ in range(halvings - 1)]
        return sequence(*convs, last(3, strides=2)) if halvings else sequence()

    def hybrid_forward(self, F: Any, *branches: Any) -> Any:
        """Maps features ``(N, C, H, W)``, each half as large as the one before, to one of them."""
        total = None
        for source, (path, x) in enumerate(zip(self.paths, branches, strict=True)):
            x = path(x)
            if source > self._target:
                x = self._grown(F, x, source, branches[self._target])
            # Not fused: oneDNN's fusion mixes up weights where a convolution's input has many uses.
            total = x if total is None else F.add_n(total, x)
        return self.act(total)

    def _grown(self, F: Any, x: Any, source: int, like: Any) -> Any:
        if self._bilinear:
            return resize_like(F, x, like, align_corners=False)
        return F.UpSampling(x, scale=1 << (source - self._target), sample_type="nearest")


class Exchange(HybridBlock):
    """Residual units on each branch, then each branch made anew of all."""

    def __init__(
        self, channels: Sequence[int], units: Units, *, fuse: Callable[..., HybridBlock]
    ) -> None:
        super().__init__()
        self.branches = sequence(*map(units, channels))
        self.fuses = sequence(*(fuse(channels, i) for i in range(len(channels))))

    def hybrid_forward(self, F: Any, *features: Any) -> list[Any]:
        """Maps features ``(N, C, H, W)``, each half as large as the one before, to the same."""
        features = tuple(units(x) for units, x in zip(self.branches, features, strict=True))
        return [fuse(*features) for fuse in self.fuses]


class Stage(HybridBlock):
    """Adds a coarser branch, then lets all of them exchange what they found a number of times."""

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: Sequence[int],
        *,
        exchanges: int,
        units: Units,
        bilinear: bool = False,
        norm: Norm,
    ) -> None:
        super().__init__()
        conv = partial(ConvNormAct, kernel_size=3, norm=norm)
        self.adapt = HybridSequential()
        for before, after in zip(in_channels, channels, strict=False):
            self.adapt.add(conv(before, after) if before != after else sequence())
        self.branch = conv(in_channels[-1], channels[-1], strides=2)
        fuse = partial(Fuse, bilinear=bilinear, norm=norm)
        self.exchanges = sequence(*(Exchange(channels, units, fuse=fuse) for _ in range(exchanges)))

    def hybrid_forward(self, F: Any, *features: Any) -> list[Any]:
        """Maps features ``(N, C, H, W)``, finest first, to as many and one more."""
        branches = [adapt(x) for adapt, x in zip(self.adapt, features, strict=True)]
        branches.append(self.branch(features[-1]))
        for exchange in self.exchanges:
            branches = exchange(*branches)
        return branches


class HRNetHead(HybridBlock):
    """Widens every branch, adds each to the next coarser, and classifies the coarsest."""

    takes_all_features = True

    def __init__(self, in_channels: Sequence[int], classes: int, *, norm: Norm) -> None:
        super().__init__()
        self.widen = HybridSequential()
        for before, after in zip(in_channels, HEAD_CHANNELS, strict=False):
            body = partial(bottleneck, widths=(after // 4,) * 2, norm=norm)
            self.widen.add(_units((before, after), body, norm))
        conv = partial(ConvNormAct, use_bias=True, norm=norm)
        self.halve = sequence(*(conv(a, b, 3, strides=2) for a, b in pairwise(HEAD_CHANNELS[:-1])))
        self.last = conv(*HEAD_CHANNELS[-2:])
        self.pool = GlobalAvgPool2D()
        self.output = Dense(classes, in_units=HEAD_CHANNELS[-1])

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features ``(N, C, H, W)``, each half as large as the one before, to scores."""
        wide = [widen(x) for widen, x in zip(self.widen, features, strict=True)]
        x = wide[0]
        for halve, feature in zip(self.halve, wide[1:], strict=True):
            x = feature + halve(x)
        return self.output(self.pool(self.last(x)))


@BACKBONES.family(VARIANTS)
class HRNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to four features, finest first.

    Their sides are multiples of 32, or any where branches grow by interpolation.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
    """

    strides = (4, 8, 16, 32)

    def __init__(self, config: HRNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.channels = tuple(config.width << branch for branch in range(4))
        self._norm = norm
        conv = partial(ConvNormAct, kernel_size=3, strides=2, norm=norm)
        last_norm = zero_gamma(norm, config.zero_last_gamma)
        self.stem = sequence(conv(3, 64), conv(64, 64))
        depth, inner = config.bottlenecks
        body = partial(bottleneck, widths=(inner, inner), norm=norm, last_norm=last_norm)
        self.first = _units((64, *(4 * inner,) * depth), body, norm)

        def units(channels: int) -> HybridBlock:
            body = partial(basic, norm=norm, last_norm=last_norm)
            return _units((channels,) * (config.depth + 1), body, norm)

        stage = partial(Stage, units=units, bilinear=config.bilinear, norm=norm)
        self.stages = HybridSequential()
        before: tuple[int, ...] = (4 * inner,)
        for branches, exchanges in enumerate(config.exchanges, start=2):
            after = self.channels[:branches]
            self.stages.add(stage(before, after, exchanges=exchanges))
            before = after

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 4, 8, 16 and 32."""
        features = [self.first(self.stem(x))]
        for stage in self.stages:
            features = stage(*features)
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier, on all features."""
        return HRNetHead(self.channels, classes, norm=self._norm)
