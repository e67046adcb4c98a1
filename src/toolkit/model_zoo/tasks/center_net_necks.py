"""What brings a backbone's features to the fine grid that CenterNet predicts on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential

from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.pyramid import merge_features
from toolkit.nn.upsample import DeconvUpsample, IterativeAggregation, shuffle_upsample
from toolkit.utils.registry import unknown


class ChainNeck(HybridBlock):
    """Doubles the last feature's size, block by block.

    Args:
        backbone: Gives features of ``channels`` at ``strides``.
        make: Makes a block, given its channels before and after.
        channels: After each block.
    """

    def __init__(
        self,
        backbone: HybridBlock,
        *,
        make: Callable[[int, int], HybridBlock],
        channels: Sequence[int],
    ) -> None:
        super().__init__()
        coarsest, factor = backbone.strides[-1], 1 << len(channels)
        if coarsest % factor:
            raise ValueError(
                f"a feature of stride {coarsest} cannot be doubled {len(channels)} times"
            )
        self.channels, self.stride = channels[-1], coarsest // factor
        before = backbone.channels[-1]
        self.layers = HybridSequential()
        for after in channels:
            self.layers.add(make(before, after))
            before = after

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to one ``(N, channels, H / stride, W / stride)``."""
        return self.layers(features[-1])


class AggregationNeck(HybridBlock):
    """Aggregates features from the coarsest on, then the results, but for the coarsest, again.

    Args:
        backbone: Gives features of ``channels`` at ``strides``, each twice the one before.
        stride: Of the finest feature that takes part.
        norm: Makes the normalizations, given ``in_channels``.
        deformable: Makes the 3x3 convolutions deformable.
    """

    def __init__(
        self, backbone: HybridBlock, *, stride: int = 4, norm: Norm, deformable: bool
    ) -> None:
        super().__init__()
        widths = widths_from(backbone, stride)
        self.channels, self.stride = widths[0], stride
        self._levels = len(widths)
        make = partial(IterativeAggregation, norm=norm, deformable=deformable)
        self.rounds = HybridSequential()
        given = list(widths)
        for place in range(self._levels - 2, -1, -1):
            others = self._levels - 1 - place
            self.rounds.add(make(given[place:], widths[place], (2,) * others))
            given[place:] = [widths[place]] * (others + 1)
        factors = [1 << level for level in range(1, self._levels - 1)]
        self.last = make(widths[:-1], widths[0], factors)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to one ``(N, channels, H / stride, W / stride)``."""
        layers = list(features[-self._levels :])
        results: list[Any] = []
        for place, aggregate in zip(range(self._levels - 2, -1, -1), self.rounds, strict=True):
            layers[place:] = aggregate(*layers[place:])
            results.insert(0, layers[-1])
        return self.last(*results)[-1]


class PyramidNeck(HybridBlock):
    """Projects all features to as many channels, sums them up on the finest, and convolves that.

    The way down of a feature pyramid, Lin et al., 2016, https://arxiv.org/abs/1612.03144: it costs
    little, whatever the backbone's channels.

    Args:
        backbone: Gives features of ``channels`` at ``strides``, each twice the one before.
        channels: Of the result.
        stride: Of the finest feature that takes part.
        norm: Makes the normalizations, given ``in_channels``.
    """

    def __init__(
        self, backbone: HybridBlock, channels: int, *, stride: int = 4, norm: Norm
    ) -> None:
        super().__init__()
        widths = widths_from(backbone, stride)
        self.channels, self.stride = channels, stride
        self._levels = len(widths)
        self.laterals = HybridSequential()
        for width in widths:
            self.laterals.add(ConvNormAct(width, channels, norm=norm, act=None))
        self.output = ConvNormAct(channels, channels, 3, norm=norm)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features, finest first, to one ``(N, channels, H / stride, W / stride)``."""
        return self.output(merge_features(F, features[-self._levels :], self.laterals)[0])


def widths_from(backbone: HybridBlock, stride: int) -> list[int]:
    """Channels of a backbone's features from that of a stride on.

    Raises:
        ValueError: there are not at least two, each of twice the stride of the one before.
    """
    strides = tuple(s for s in backbone.strides if s >= stride)
    if len(strides) < 2 or strides != tuple(stride << i for i in range(len(strides))):
        raise ValueError(
            f"the neck needs features at strides {stride}, {2 * stride} and so on; the backbone's "
            f"are {tuple(backbone.strides)}"
        )
    return list(backbone.channels[-len(strides) :])


@dataclass(frozen=True)
class Neck:
    """What tells one neck from another.

    Raises:
        ValueError: there is no such kind, or a pyramid has not one number of channels.
    """

    kind: str  # one of KINDS
    channels: tuple[int, ...] = ()  # of a chain, after each doubling; of a pyramid
    deformable: bool = False  # 3x3 convolutions move their taps

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(unknown("kind of neck", self.kind, KINDS))
        if self.kind == "pyramid" and len(self.channels) != 1:
            raise ValueError(f"a pyramid has one number of channels, got {self.channels}")

    def build(self, backbone: HybridBlock, norm: Norm) -> HybridBlock:
        """The block for a backbone. Raises ValueError where the two do not fit."""
        if self.kind == "pyramid":
            return PyramidNeck(backbone, self.channels[0], norm=norm)
        if self.kind == "aggregation":
            return AggregationNeck(backbone, norm=norm, deformable=self.deformable)
        make: Any = partial(shuffle_upsample, norm=norm)
        if self.kind == "deconv":
            make = partial(DeconvUpsample, norm=norm, deformable=self.deformable)
        return ChainNeck(backbone, make=make, channels=self.channels)


# Chains that double the last feature, and what sums up several features.
KINDS = ("deconv", "shuffle", "aggregation", "pyramid")

NECKS = {
    "deconv": Neck("deconv", (256, 128, 64)),
    "deconv_dcnv2": Neck("deconv", (256, 128, 64), deformable=True),
    "shuffle": Neck("shuffle", (128, 64, 64)),
    "shuffle_small": Neck("shuffle", (128, 64, 32)),
    "aggregation": Neck("aggregation"),
    "pyramid": Neck("pyramid", (64,)),
    "aggregation_dcnv2": Neck("aggregation", deformable=True),
}
